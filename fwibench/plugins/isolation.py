"""Isolation of this process from the code of plugins.

Invariant: output of a plugin goes to standard error. Working directory, environment, warning filters and signal
handlers are restored afterwards, and entries that a plugin adds to `sys.path` are moved to its end.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator

from pydantic import ValidationError

from fwibench.errors import FwibenchError
from fwibench.text.readable import shorten

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextlib.contextmanager
def undisturbed() -> Iterator[None]:
    """Restore after the block the state of the process that code often changes while it is imported."""
    environment = os.environ.copy()
    try:
        folder = os.getcwd()
    except OSError:
        folder = None
    handlers = {number: signal.getsignal(number) for number in SIGNALS}
    hook, path = sys.excepthook, list(sys.path)
    try:
        with warnings.catch_warnings(), stdout_to_stderr():
            yield
    finally:
        if os.environ != environment:
            os.environ.clear()
            os.environ.update(environment)
        if folder is not None:
            with contextlib.suppress(OSError):
                os.chdir(folder)
        sys.excepthook = hook
        # a plugin may need its folders later, but they must not take precedence over others
        sys.path[:] = [*path, *(entry for entry in sys.path if entry not in path)]
        if threading.current_thread() is threading.main_thread():
            for number, handler in handlers.items():
                if signal.getsignal(number) is not handler:
                    signal.signal(number, handler)


@contextlib.contextmanager
def stdout_to_stderr() -> Iterator[None]:
    """Redirect standard output, that of child processes included, to standard error within the block."""
    with contextlib.ExitStack() as stack:
        # a process may have no standard streams
        with contextlib.suppress(OSError):
            if sys.stdout is not None:
                sys.stdout.flush()
            kept = os.dup(1)
            stack.callback(os.close, kept)
            os.dup2(2, 1)
            stack.callback(os.dup2, kept, 1)
        stack.enter_context(contextlib.redirect_stdout(sys.stderr))
        yield


def keep_stdout_to_the_end() -> None:
    """Redirect the output of functions that run at exit to standard error."""

    def close() -> None:
        # the reader of a pipe may have exited, as with `| head`
        with contextlib.suppress(OSError, ValueError):
            if sys.stdout is not None:
                sys.stdout.flush()
            os.dup2(2, 1)

    atexit.register(close)


def describe(error: BaseException) -> str:
    """Return one line that describes an error, whatever its own text contains."""
    name = type(error).__name__
    if isinstance(error, ValidationError):
        return "; ".join(
            f"{error.title}: {'.'.join(map(str, part['loc']))}: {part['msg']}, got {_short(part.get('input'))}"
            for part in error.errors(include_url=False)
        )
    try:
        text = shorten(" ".join(str(error).split()))
    except Exception:
        text = ""
    if isinstance(error, FwibenchError):
        hint = " ".join(error.hint.split())
        return f"{text} ({hint})" if hint else text
    return f"{name}: {text}" if text else name


def _short(value: object) -> str:
    try:
        text = repr(value)
    except Exception:
        text = f"a {type(value).__name__}"
    text = " ".join(text.split())
    return text if len(text) <= 60 else text[:57] + "..."


@contextlib.contextmanager
def blaming(blame: Callable[[str], FwibenchError]) -> Iterator[None]:
    """Convert an exception of plugin code to an error that names the plugin; its output goes to standard error.

    Args:
        blame: Returns the error for a description of the exception. Errors of this suite are raised unchanged.
    """
    try:
        with stdout_to_stderr():
            yield
    except FwibenchError:
        raise
    except (Exception, SystemExit) as error:
        raise blame(describe(error)) from error
