"""Calls commands in the process of the test, which is fast, and records unexpected errors."""

import contextlib
import io
import os
import random
import signal
import traceback
import warnings
from dataclasses import dataclass
from pathlib import Path

from fwibench.cli.app import main
from fwibench.errors import FwibenchError

AMOUNT = "FWIBENCH_FUZZ"
"""Environment variable: share of the inputs to try, up to 1; unset: as many as take a few seconds."""
SEED = "FWIBENCH_FUZZ_SEED"
"""Environment variable: random seed of the inputs."""


LIMIT_S = 120
"""Time limit of a command [s], also on a busy machine."""


class TooLongError(BaseException):
    """The time limit is exceeded; a BaseException, so that no command catches it."""


def amount(usual: int, whole: int) -> int:
    """Return the number of inputs that a test tries.

    Args:
        usual: Number in the ordinary run of the tests.
        whole: Number with `make fuzz`.
    """
    share = os.environ.get(AMOUNT)
    return usual if share is None else max(round(float(share) * whole), 1)


def generator(number: int) -> random.Random:
    """Return the random generator of a test."""
    return random.Random(1000 * int(os.environ.get(SEED, 0)) + number)


@dataclass(frozen=True)
class Done:
    """Result of a command.

    Attributes:
        fault: Traceback of an unexpected error; empty if there was none.
        system: Whether that is an error of the operating system, such as a name that is too long.
    """

    code: int
    out: str
    err: str
    fault: str
    system: bool = False


def call(arguments: list[str], folder: Path) -> Done:
    """Run a command in a folder, and restore environment, current folder and streams."""
    out, err, fault, code, system = io.StringIO(), io.StringIO(), "", 0, False
    before, here = dict(os.environ), Path.cwd()
    os.chdir(folder)

    def stop(*_: object) -> None:
        raise TooLongError(f"no end after {LIMIT_S} s")

    handler = signal.signal(signal.SIGALRM, stop)
    signal.alarm(LIMIT_S)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), warnings.catch_warnings():
            # users read a library's warning in the terminal as an error
            warnings.simplefilter("error")
            for category in (DeprecationWarning, PendingDeprecationWarning, FutureWarning, ImportWarning):
                warnings.simplefilter("ignore", category)
            main(arguments)
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if end.__cause__ is not None:
            fault = "".join(traceback.format_exception(end.__cause__))
            system = isinstance(end.__cause__, OSError)
    except FwibenchError:
        # --debug lets errors propagate
        code = 1
    except BaseException as error:
        fault, system = "".join(traceback.format_exception(error)), isinstance(error, OSError)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, handler)
        os.chdir(here)
        os.environ.clear()
        os.environ.update(before)
    if "Traceback (most recent call last)" in err.getvalue():
        fault = fault or err.getvalue()
    return Done(code, out.getvalue(), err.getvalue(), fault, system)
