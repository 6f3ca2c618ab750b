"""Entry point of the installed command.

Invariant: an interrupt while the command line is being imported ends the process without a traceback.
"""

from __future__ import annotations

import signal
from typing import NoReturn


def main() -> NoReturn:
    """Run the command line."""
    # shells ignore the signal in background jobs; it stays ignored
    handled = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if handled:
        # KeyboardInterrupt within an import prints a traceback, or an extension module turns it into another error
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from fwibench.cli.app import main as run

    if handled:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    run()
