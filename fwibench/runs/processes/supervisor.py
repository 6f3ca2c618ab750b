"""Supervisor of a cell's process: `python -I -S supervisor.py LIVENESS STATUS COMMAND...`.

Invariant: when the supervisor ends, no process of the cell is left. On Linux it kills every descendant, including those
in other sessions; elsewhere the cell's process group. It ends the cell when the command closes the pipe LIVENESS,
deliberately or by exiting. It writes how the cell's process ended to the pipe STATUS: `exit N` or `signal N`.

Bytes in LIVENESS are orders: `PAUSE` stops the processes of the cell, `RESUME` continues them, and any other byte is
passed on to the cell's process.

It imports only the standard library, so it starts in a few milliseconds, and runs no code of a method.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time

PR_SET_CHILD_SUBREAPER = 36
PAUSE, RESUME = b"p", b"r"
KILL_TIMEOUT_S = 10.0
"""Time that killed processes may take to end [s]; a process in uninterruptible disk sleep cannot be killed."""


def main(liveness: int, status: int, command: list[str]) -> int:
    """Run a command, kill the processes that it leaves behind, and report how it ended.

    Args:
        liveness: Descriptor of a pipe whose other end is closed when the cell must end.
        status: Descriptor of a pipe that receives how the command ended.
        command: Program and arguments; `{liveness}` is replaced by the descriptor of a pipe that closes with this
            process.

    Returns:
        Exit code of this process, 0.
    """
    _adopt_orphans()
    child_ended, wakeup = os.pipe()
    os.set_blocking(wakeup, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wakeup, warn_on_full_buffer=False)
    child_liveness, own_end = os.pipe()
    for descriptor in (liveness, status, child_ended, wakeup, own_end):
        os.set_inheritable(descriptor, False)
    os.set_inheritable(child_liveness, True)
    child = _start([part.replace("{liveness}", str(child_liveness)) for part in command])
    os.close(child_liveness)
    ended = None
    while ended is None:
        ready, _, _ = select.select([liveness, child_ended], [], [])
        if child_ended in ready:
            os.read(child_ended, 512)
            ended = _reap(child)
        if liveness in ready:
            order = os.read(liveness, 1)
            if not order:
                break
            _obey(order, child, own_end)
    _kill_all(child)
    if ended is not None:
        kind, number = ("signal", os.WTERMSIG(ended)) if os.WIFSIGNALED(ended) else ("exit", os.WEXITSTATUS(ended))
        with contextlib.suppress(OSError):
            os.write(status, f"{kind} {number}\n".encode())
    return 0


def _adopt_orphans() -> None:
    """Become the parent of orphaned descendants, on Linux."""
    with contextlib.suppress(Exception):
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _start(command: list[str]) -> int:
    child = os.fork()
    if child:
        return child
    try:
        # the cell may signal its own process group without ending this process
        os.setsid()
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.execv(command[0], command)
    finally:
        os._exit(127)


def _reap(child: int) -> int | None:
    """Reap children that have ended; return the wait status of the cell's process if it is among them."""
    found = None
    with contextlib.suppress(ChildProcessError):
        while True:
            process, status = os.waitpid(-1, os.WNOHANG)
            if not process:
                break
            if process == child:
                found = status
    return found


def _obey(order: bytes, child: int, child_pipe: int) -> None:
    """Carry out an order of the command."""
    if order == PAUSE:
        _signal_all(child, signal.SIGSTOP)
        # a process that was started meanwhile
        _signal_all(child, signal.SIGSTOP)
    elif order == RESUME:
        _signal_all(child, signal.SIGCONT)
    else:
        with contextlib.suppress(OSError):
            os.write(child_pipe, order)


def _signal_all(child: int, number: int) -> None:
    """Send a signal to the cell's process group and to every descendant."""
    with contextlib.suppress(OSError):
        os.killpg(child, number)
    for process in _descendants():
        with contextlib.suppress(OSError):
            os.kill(process, number)


def _kill_all(child: int) -> None:
    """Kill the cell's process group and every descendant until none is left."""
    deadline = time.monotonic() + KILL_TIMEOUT_S
    while time.monotonic() < deadline:
        _signal_all(child, signal.SIGKILL)
        _reap(child)
        try:
            os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        time.sleep(0.002)


def _descendants() -> list[int]:
    """Return all descendants of this process; empty on systems without /proc."""
    below: dict[int, list[int]] = {}
    with contextlib.suppress(OSError):
        for name in os.listdir("/proc"):
            if name.isdigit():
                with contextlib.suppress(OSError, ValueError, IndexError), open(f"/proc/{name}/stat", "rb") as stream:
                    # the program's name, in parentheses, may contain any character
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
