"""The installed command: as `cli.app`, but an interrupt while it is still being imported ends it in silence."""

from __future__ import annotations

import signal
from typing import NoReturn


def main() -> NoReturn:
    """Runs the command line."""
    handler = signal.getsignal(signal.SIGINT)
    if handler is signal.default_int_handler:
        # within an import KeyboardInterrupt is a traceback, or is turned into another error by an extension module
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from fwibench.cli.app import main as run

    signal.signal(signal.SIGINT, handler)
    run()
