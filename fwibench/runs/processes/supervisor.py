"""The process between a command and the process of a cell: `python -I -S warden.py LIFE STATUS COMMAND...`.

Invariant: when it ends, no process of the cell is left. On Linux every descendant is ended, also those in sessions of
their own; elsewhere those of the cell's process group. The cell ends when the command closes the pipe LIFE, by dying or
on purpose. How the cell's process ended is written to the pipe STATUS: `exit N` or `signal N`.

It imports the standard library alone, so that it starts in a few milliseconds, and runs no code of a method.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time

PR_SET_CHILD_SUBREAPER = 36
PATIENCE_S = 10.0
"""How long processes that are being ended may take; one that waits for a disk cannot be ended at all."""


def main(life: int, status: int, command: list[str]) -> int:
    """Run a command, end all that it leaves behind, and report how it ended.

    Args:
        life: Descriptor of a pipe that reports its end when the cell must end.
        status: Descriptor of a pipe that receives how it ended.
        command: Program and arguments; `{life}` stands for the descriptor of a pipe that ends with this process.
    """
    _adopt_orphans()
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    watched, mine = os.pipe()
    for descriptor in (life, status, woken, wake, mine):
        os.set_inheritable(descriptor, False)
    os.set_inheritable(watched, True)
    child = _start([part.replace("{life}", str(watched)) for part in command])
    os.close(watched)
    ended = None
    while ended is None:
        ready, _, _ = select.select([life, woken], [], [])
        if woken in ready:
            os.read(woken, 512)
            ended = _reap(child)
        if life in ready and not os.read(life, 1):
            break
    _end_all(child)
    if ended is not None:
        kind, number = ("signal", os.WTERMSIG(ended)) if os.WIFSIGNALED(ended) else ("exit", os.WEXITSTATUS(ended))
        with contextlib.suppress(OSError):
            os.write(status, f"{kind} {number}\n".encode())
    return 0


def _adopt_orphans() -> None:
    """On Linux, become the parent of descendants whose own parent ends."""
    with contextlib.suppress(Exception):
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _start(command: list[str]) -> int:
    child = os.fork()
    if child:
        return child
    try:
        # the cell may signal its own group without ending this process
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.execv(command[0], command)
    finally:
        os._exit(127)


def _reap(child: int) -> int | None:
    """Collect children that have ended; return the status of the cell's process if it is among them."""
    found = None
    with contextlib.suppress(ChildProcessError):
        while True:
            process, status = os.waitpid(-1, os.WNOHANG)
            if not process:
                break
            if process == child:
                found = status
    return found


def _end_all(child: int) -> None:
    """Kill the cell's group and every descendant until none is left."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            os.killpg(child, signal.SIGKILL)
        for process in _descendants():
            with contextlib.suppress(OSError):
                os.kill(process, signal.SIGKILL)
        _reap(child)
        try:
            os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        time.sleep(0.002)


def _descendants() -> list[int]:
    """Return all processes below this one, as far as the system tells."""
    below: dict[int, list[int]] = {}
    with contextlib.suppress(OSError):
        for name in os.listdir("/proc"):
            if name.isdigit():
                with contextlib.suppress(OSError, ValueError, IndexError), open(f"/proc/{name}/stat", "rb") as stream:
                    # the name of the program, in parentheses, may hold anything
                    parent = int(stream.read().rpartition(b")")[2].split()[1])
                    below.setdefault(parent, []).append(int(name))
    found: list[int] = []
    waiting = [os.getpid()]
    while waiting:
        children = below.get(waiting.pop(), [])
        found += children
        waiting += children
    return found


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]))
