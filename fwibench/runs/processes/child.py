"""What every child process of a cell does at its start and at its end."""

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
"""How torch, its CPU allocator and CUDA's libraries say that memory ran out, in errors without a type of their own."""


def classify(error: BaseException) -> tuple[Status, str]:
    """Return the status and the reason that an error stands for."""
    name = type(error).__name__
    if isinstance(error, DivergedError):
        return "diverged", str(error)
    if isinstance(error, UnsuitableError):
        return "skipped", str(error)
    if isinstance(error, UnknownNameError):
        # a plugin that loads in the parent and breaks here: the hint says which
        return "failed", f"{error.message}; {error.hint}"
    if _is_out_of_memory(error):
        return "oom", f"{name}: {error}"
    if isinstance(error, SystemExit):
        return "failed", f"the method ended its process with exit code {error.code}"
    return "failed", str(error) if isinstance(error, FwibenchError) else f"{name}: {error}"


def _is_out_of_memory(error: BaseException | None) -> bool:
    """Return whether memory ran out, which an error may say itself or by its cause."""
    while error is not None:
        if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
            return True
        if isinstance(error, OSError) and error.errno == errno.ENOMEM:
            return True
        if isinstance(error, RuntimeError) and any(sign in str(error).lower() for sign in OUT_OF_MEMORY):
            return True
        error = error.__cause__
    return False


def claim_stdout() -> Callable[[dict[str, Any]], None]:
    """Keep the pipe to the command for events; whatever a method prints goes to the log."""
    events = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)

    def tell(event: dict[str, Any]) -> None:
        # the command may be gone, and this process with it in a moment
        try:
            events.write(json.dumps(event) + "\n")
        except (OSError, ValueError):
            traceback.print_exc()

    return tell


def die_with_warden(life: int) -> None:
    """End this process and its group when the pipe `life` reports its end."""
    os.set_inheritable(life, False)

    def watch() -> None:
        while os.read(life, 1):
            pass
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


def tell_broken(registry: Registry) -> None:
    """Name the plugins that could not be loaded in the log."""
    for plugin in registry.broken:
        sys.stderr.write(f"plugin {plugin.name} ({plugin.origin}) is {plugin.verdict}\n")


def leave_at_once() -> NoReturn:
    """End the process now: threads and exit handlers of a method must not keep it alive."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            continue
    os._exit(0)
