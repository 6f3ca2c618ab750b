"""Template of the processes of cells: `python -P -m fwibench.runs.processes.template CHANNEL`.

A template has imported modules that many cells need and waits for requests. It forks a process of a cell, under a
supervisor, or a template that imports further modules. So a cell does not import these modules again.

Invariant: a template runs no code of a plugin and has neither threads of Python nor a CUDA context, so a forked process
is in the state of a fresh interpreter that has imported the modules. A template ends with the command.
"""

from __future__ import annotations

import ctypes
import json
import os
import runpy
import signal
import socket
import sys
import threading
from importlib import import_module
from pathlib import Path
from typing import Any

from fwibench.runs.processes.supervisor import supervise
from fwibench.runs.processes.variables import MARK

MOST_BYTES = 2**17
"""Largest length of a request."""


def serve(channel: socket.socket) -> list[str]:
    """Handle requests until the command closes the channel.

    A request is a JSON object. `{"import": MODULES}` asks for another template, with the descriptor of its channel.
    `{"run": [MODULE, ARGUMENTS...], "mark": MARK}` asks for a process of a cell, with the descriptors of its liveness
    pipe, its status pipe, its standard output and its standard error.

    Args:
        channel: Socket whose other end the command has.

    Returns:
        Module and arguments, in the process of a cell only.
    """
    while True:
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        content, descriptors, _, _ = socket.recv_fds(channel, MOST_BYTES, 4)
        if not content:
            os._exit(0)
        request = json.loads(content)
        if os.fork():
            for descriptor in descriptors:
                os.close(descriptor)
            continue
        channel.close()
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        if "run" in request:
            return _become_cell(request, descriptors)
        channel = socket.socket(fileno=descriptors[0])
        channel.set_inheritable(False)
        for module in request["import"]:
            import_module(module)
        if threading.active_count() > 1:
            # a fork has only one thread; the command falls back to fresh interpreters
            os._exit(1)


def _lost_cuda() -> bool:
    """Return whether the template of this process has used CUDA, which does not survive a fork."""
    torch = sys.modules.get("torch")
    return torch is not None and bool(getattr(torch.cuda, "_is_in_bad_fork", torch.cuda.is_initialized)())


def _become_cell(request: dict[str, Any], descriptors: list[int]) -> list[str]:
    """Turn this process, a fork of a template, into the supervisor of a cell; return in the cell's process only."""
    try:
        os.setsid()
        liveness, status, output, log = descriptors
        for descriptor, number in ((output, 1), (log, 2)):
            os.dup2(descriptor, number)
            os.close(descriptor)
        for descriptor in (liveness, status):
            os.set_inheritable(descriptor, False)
        _write_mark(os.fsencode(request["mark"]))
        if _lost_cuda():
            os._exit(1)
        child_liveness = supervise(liveness, status)
        # Python seeds its own generator after a fork, torch's has a fixed seed
        if random := sys.modules.get("numpy.random"):
            random.seed()
        return [*request["run"], str(child_liveness)]
    except BaseException:
        sys.excepthook(*sys.exc_info())
        os._exit(1)


def _write_mark(mark: bytes) -> None:
    """Set the variable `MARK` of this process and its children, also where the system shows it: /proc/PID/environ.

    That file shows memory in which the variables were when the program started. The template was started with a value
    that is long enough to be overwritten in place.
    """
    libc = ctypes.CDLL(None)
    libc.getenv.restype = ctypes.c_void_p
    name = MARK.encode()
    room = len(os.environb[name])
    if len(mark) > room:
        raise ValueError(f"the path of the cell has more than {room} bytes")
    ctypes.memmove(libc.getenv(name), mark.ljust(room, b"\0"), room)
    os.environb[name] = mark
    if name + b"=" + mark not in Path("/proc/self/environ").read_bytes().split(b"\0"):
        raise OSError(f"{MARK} could not be set")


if __name__ == "__main__":
    sys.argv = serve(socket.socket(fileno=int(sys.argv[1])))
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
