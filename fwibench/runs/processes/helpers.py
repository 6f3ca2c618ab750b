"""Further processes of a command whose work any number of processes may share."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from fwibench.runs.machine.shares import thread_variables


@contextmanager
def helpers(jobs: int, arguments: Sequence[str]) -> Iterator[None]:
    """Run a command of fwibench in further processes during the block, and share out the cores among all.

    This process does the work that no other does, so it does not matter when and how the others end. At the end of the
    block they are stopped; if this process is killed, they finish the work.

    Args:
        jobs: Number of processes, this one included.
        arguments: Command and its options.
    """
    share = thread_variables(jobs, os.environ)
    command = [sys.executable, "-P", "-m", "fwibench", *arguments]
    others: list[subprocess.Popen[bytes]] = []
    nothing = subprocess.DEVNULL
    os.environ.update(share)
    try:
        for _ in range(jobs - 1):
            others.append(subprocess.Popen(command, stdin=nothing, stdout=nothing, stderr=nothing))
        yield
    finally:
        for name in share:
            del os.environ[name]
        for one in others:
            one.terminate()
        for one in others:
            one.wait()
