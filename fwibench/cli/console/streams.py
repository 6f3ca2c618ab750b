"""Standard streams that accept all output, also if they are closed, full or no longer read.

Invariant: a reader that exits early (`| head`) changes neither what a command does nor its exit code. If output cannot
be written for another reason, such as a full disk, the command finishes and the failure is reported once, at the end.
"""

from __future__ import annotations

import contextlib
import io
import os
import sys
from typing import Any, TextIO

STREAMS = {1: "stdout", 2: "stderr"}


class Descriptor(io.FileIO):
    """A standard stream that discards all output after the first write that fails.

    Attributes:
        failure: Why a write failed; empty if none failed, or if the reader exited.
    """

    failure = ""

    def write(self, content: Any) -> int:
        """Write bytes and return how many of them are written or discarded."""
        try:
            return super().write(content)
        except OSError as error:
            if not isinstance(error, BrokenPipeError):
                self.failure = error.strerror or str(error)
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self.fileno())
            os.close(null)
            return memoryview(content).nbytes


def prepare() -> None:
    """Replace the standard streams of the process; streams that were redirected within Python stay."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # closed before the start: the next file that is opened would get this number and receive the output
            os.open(os.devnull, os.O_RDWR)
    for number, name in STREAMS.items():
        current: TextIO | None = getattr(sys, name)
        if current is not None and current is not getattr(sys, f"__{name}__"):
            continue
        raw = Descriptor(number, "w", closefd=False)
        setattr(
            sys,
            name,
            io.TextIOWrapper(
                io.BufferedWriter(raw),
                encoding=getattr(current, "encoding", None) or "utf-8",
                # file names and arguments may hold bytes that are not valid UTF-8
                errors="backslashreplace",
                line_buffering=number == 2 or raw.isatty(),
            ),
        )


def finish() -> str:
    """Flush the streams and return why standard output could not be written; empty if it could."""
    for name in STREAMS.values():
        with contextlib.suppress(OSError, ValueError):
            getattr(sys, name).flush()
    raw = getattr(getattr(sys.stdout, "buffer", None), "raw", None)
    return raw.failure if isinstance(raw, Descriptor) else ""
