"""Start-up, error classification and exit, shared by the child processes of a cell."""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any, NoReturn

from fwibench.errors import DivergedError, FwibenchError, UnknownNameError, UnsuitableError
from fwibench.plugins.registry import Registry
from fwibench.runs.artefacts.record import Status

OUT_OF_MEMORY = (
    "can't allocate memory",
    "cannot allocate memory",
    "not enough memory",
    "out of memory",
    "alloc_failed",
)
"""Texts of torch, its CPU allocator and CUDA libraries for lack of memory, in errors without a specific type."""


def classify(error: BaseException) -> tuple[Status, str]:
    """Return the status and the reason of a cell that failed with an error."""
    name = type(error).__name__
    if isinstance(error, DivergedError):
        return "diverged", str(error)
    if isinstance(error, UnsuitableError):
        return "skipped", str(error)
    if isinstance(error, UnknownNameError):
        # a plugin that loads in the parent but not here: the hint names it
        return "failed", f"{error.message}; {error.hint}"
    if _is_out_of_memory(error):
        return "oom", f"{name}: {error}"
    if isinstance(error, SystemExit):
        return "failed", f"the method ended its process with exit code {error.code}"
    return "failed", str(error) if isinstance(error, FwibenchError) else f"{name}: {error}"


def _is_out_of_memory(error: BaseException | None) -> bool:
    """Return whether an error or one of its causes is a lack of memory."""
    while error is not None:
        if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
            return True
        if isinstance(error, OSError) and error.errno == errno.ENOMEM:
            return True
        if isinstance(error, RuntimeError) and any(sign in str(error).lower() for sign in OUT_OF_MEMORY):
            return True
        error = error.__cause__
    return False


def redirect_stdout() -> Callable[[dict[str, Any]], None]:
    """Redirect standard output to the log; return a function that sends events through the original standard output."""
    events = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    def send(event: dict[str, Any]) -> None:
        # the command may have ended; the supervisor then ends this process as well
        try:
            events.write(json.dumps(event) + "\n")
        except (OSError, ValueError):
            traceback.print_exc()

    return send


def exit_with_supervisor(liveness: int) -> threading.Semaphore:
    """Kill this process and its group when the other end of the pipe `liveness` is closed.

    Returns:
        A semaphore that is released once for each byte in the pipe, a reply of the command.
    """
    os.set_inheritable(liveness, False)
    replies = threading.Semaphore(0)

    def watch() -> None:
        while os.read(liveness, 1):
            replies.release()
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()
    return replies


def limit_memory(limit: int | None) -> None:
    """Let allocations beyond a limit fail, in this process and in those that it starts; on Linux.

    Args:
        limit: Largest amount of private memory [bytes]; None for no limit.
    """
    if limit is not None and sys.platform == "linux":
        import resource

        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        resource.setrlimit(resource.RLIMIT_DATA, (limit, hard))


def log_broken_plugins(registry: Registry) -> None:
    """Write the plugins that could not be loaded to the log."""
    for plugin in registry.broken:
        sys.stderr.write(f"plugin {plugin.name} ({plugin.origin}) is {plugin.verdict}\n")


def exit_immediately() -> NoReturn:
    """Exit without waiting for threads and exit handlers of the method."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            continue
    os._exit(0)
