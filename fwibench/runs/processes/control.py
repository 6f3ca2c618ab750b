"""Orders to the processes of a cell, from other threads of the command.

Invariant: an order reaches the process that runs now, and the next one of the cell if none does.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress

from fwibench.runs.processes.supervisor import PAUSE, RESUME


class Control:
    """Pauses, resumes, answers and ends the processes of one cell, which run one after the other.

    Orders are bytes in the pipe between the command and the cell's supervisor; closing the pipe ends the cell.

    Attributes:
        cancelled: Whether the cell was told to end.
    """

    def __init__(self) -> None:
        self.cancelled = False
        self._lock = threading.Lock()
        self._paused = False
        self._pipe: int | None = None

    def attach(self, pipe: int) -> None:
        """Give orders to another process from now on, which is paused or ended at once if the cell is.

        Args:
            pipe: Descriptor of the pipe to its supervisor, which this object closes.
        """
        with self._lock:
            self._pipe = pipe
            if self.cancelled:
                self._close()
            elif self._paused:
                self._write(PAUSE)

    def detach(self) -> None:
        """End the process that receives the orders, if any is left, by closing its pipe."""
        with self._lock:
            self._close()

    def cancel(self) -> None:
        """End the cell: its process is killed, and none is started any more."""
        with self._lock:
            self.cancelled = True
            self._close()

    def pause(self) -> None:
        """Stop all processes of the cell until `resume`."""
        with self._lock:
            self._paused = True
            self._write(PAUSE)

    def resume(self) -> None:
        """Continue the processes of the cell."""
        with self._lock:
            self._paused = False
            self._write(RESUME)

    def answer(self, reply: bytes) -> None:
        """Pass a reply of one byte on to the process."""
        with self._lock:
            self._write(reply)

    def _write(self, order: bytes) -> None:
        if self._pipe is not None:
            # the supervisor may have ended
            with suppress(OSError):
                os.write(self._pipe, order)

    def _close(self) -> None:
        if self._pipe is not None:
            os.close(self._pipe)
            self._pipe = None
