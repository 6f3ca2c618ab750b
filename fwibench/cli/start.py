"""The installed command: as `cli.app`, but an interrupt while it is still being imported ends it in silence."""

from __future__ import annotations

import signal
from typing import NoReturn


def main() -> NoReturn:
    """Runs the command line."""
    # it is ignored in the background of a shell, and stays so
    heard = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if heard:
        # within an import KeyboardInterrupt is a traceback, or is turned into another error by an extension module
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from fwibench.cli.app import main as run

    if heard:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    run()
