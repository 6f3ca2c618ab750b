"""What a check is, and how it ends.

Invariant: a check is one function of a subject. It returns, or raises what is wrong; whatever it raises is the
result of this check alone. A failure that was declared must fail: one that passes is a failure too.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

from fwibench.errors import FwibenchError, UnknownNameError
from fwibench.text.readable import shorten

S = TypeVar("S")
Status = Literal["passed", "failed", "skipped", "expected failure", "unexpected pass"]


class NonconformityError(FwibenchError):
    """A subject breaks the contract that a check is about."""


class NotApplicableError(FwibenchError):
    """The check has nothing to look at in this subject."""


@dataclass(frozen=True)
class Check(Generic[S]):
    """One promise that subjects make.

    Attributes:
        name: As it is shown, and declared in `expected_failures`.
        summary: The promise, one line.
        run: Raises where it is broken.
    """

    name: str
    summary: str
    run: Callable[[S], None] = field(repr=False)


@dataclass(frozen=True)
class Result:
    """How one check of one subject ended.

    Attributes:
        subject: Name of the method, dataset or metric.
        check: Name of the check.
        status: How it ended.
        reason: Why it did not simply pass; for a declared failure the reason that was declared.
        seconds: Time it took. What several checks share is on the first one's clock.
        traceback: Where it failed, for a failure.
    """

    subject: str
    check: str
    status: Status
    reason: str = ""
    seconds: float = 0.0
    traceback: str = field(default="", repr=False)

    @property
    def ok(self) -> bool:
        """Whether it is as it should be."""
        return self.status not in ("failed", "unexpected pass")


def as_checks(*functions: Callable[[S], None]) -> tuple[Check[S], ...]:
    """Checks from functions: the name with hyphens, and the first line of the docstring."""
    return tuple(
        Check(function.__name__.replace("_", "-"), (function.__doc__ or "").partition("\n")[0], function)
        for function in functions
    )


def require(kept: object, broken: str, hint: str = "") -> None:
    """Raises `NonconformityError` with the message `broken` unless `kept` is true."""
    if not kept:
        raise NonconformityError(broken, hint)


def run_checks(
    name: str, subject: S, checks: Iterable[Check[S]], expected_failures: Mapping[str, str]
) -> Iterator[Result]:
    """Runs checks one by one; whatever one raises, `SystemExit` included, is its result.

    Args:
        name: Of the subject.
        subject: What is checked.
        checks: What is checked of it.
        expected_failures: Reasons by the names of checks that are known to fail.
    """
    checks = tuple(checks)
    refuse_unknown(expected_failures, checks)
    for check in checks:
        start = time.monotonic()
        status, reason, story = _outcome(check, subject)
        if declared := expected_failures.get(check.name):
            if status == "failed":
                status, reason = "expected failure", declared
            elif status == "passed":
                status, reason = "unexpected pass", f"declared to fail, but passes; declared was: {declared}"
        yield Result(name, check.name, status, reason, time.monotonic() - start, story)


def _outcome(check: Check[S], subject: S) -> tuple[Status, str, str]:
    """Status, reason and traceback."""
    try:
        check.run(subject)
    except NotApplicableError as reason:
        return "skipped", reason.message, ""
    except (Exception, SystemExit) as error:
        return "failed", describe(error), traceback.format_exc()
    return "passed", "", ""


def describe(error: BaseException) -> str:
    """One line on an error; the suite's own speak for themselves."""
    if isinstance(error, FwibenchError):
        return shorten(error.message) + (f" ({error.hint})" if error.hint else "")
    return shorten(f"{type(error).__name__}: {error}")


def refuse_unknown(expected_failures: Mapping[str, str], checks: Iterable[Check[S]]) -> None:
    """Raises `UnknownNameError` where a failure is declared of a check that does not exist."""
    known = [check.name for check in checks]
    for name in expected_failures:
        if name not in known:
            raise UnknownNameError.among("check", name, known)
