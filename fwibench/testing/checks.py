"""Conformance checks and their results.

Invariant: a check is one function of a subject that raises if a requirement is violated; an exception does not affect
other checks. A check that is declared to fail and passes counts as a failure.
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
    """A subject violates the requirement of a check."""


class NotApplicableError(FwibenchError):
    """A check does not apply to a subject."""


@dataclass(frozen=True)
class Check(Generic[S]):
    """A requirement of subjects.

    Attributes:
        name: Name, which is also used in `expected_failures`.
        summary: The requirement in one line.
        run: Raises if a subject violates the requirement.
    """

    name: str
    summary: str
    run: Callable[[S], None] = field(repr=False)


@dataclass(frozen=True)
class Result:
    """The result of one check of one subject.

    Attributes:
        subject: Name of the method, dataset or metric.
        check: Name of the check.
        status: Outcome of the check.
        reason: Reason of any outcome but `passed`; for an expected failure the declared reason.
        seconds: Duration [s]; work that several checks share counts for the first one.
        traceback: Traceback of a failure; empty without one.
    """

    subject: str
    check: str
    status: Status
    reason: str = ""
    seconds: float = 0.0
    traceback: str = field(default="", repr=False)

    @property
    def ok(self) -> bool:
        """Whether the outcome is neither a failure nor an unexpected pass."""
        return self.status not in ("failed", "unexpected pass")


def as_checks(*functions: Callable[[S], None]) -> tuple[Check[S], ...]:
    """Return checks named after functions, with the first lines of their docstrings as summaries."""
    return tuple(
        Check(function.__name__.replace("_", "-"), (function.__doc__ or "").partition("\n")[0], function)
        for function in functions
    )


def require(kept: object, broken: str, hint: str = "") -> None:
    """Raise `NonconformityError` unless a requirement is met.

    Args:
        kept: True if the requirement is met.
        broken: Message of the error.
        hint: Hint of the error.
    """
    if not kept:
        raise NonconformityError(broken, hint)


def run_checks(
    name: str, subject: S, checks: Iterable[Check[S]], expected_failures: Mapping[str, str]
) -> Iterator[Result]:
    """Run checks one by one; an exception, `SystemExit` included, is the result of its check.

    Args:
        name: Name of the subject.
        subject: The subject.
        checks: Checks to run.
        expected_failures: Reasons by name of the checks that are known to fail.

    Yields:
        The result of each check.

    Raises:
        UnknownNameError: `expected_failures` names an unknown check.
    """
    checks = tuple(checks)
    refuse_unknown(expected_failures, checks)
    for check in checks:
        start = time.monotonic()
        status, reason, failure = _outcome(check, subject)
        if declared := expected_failures.get(check.name):
            if status == "failed":
                status, reason = "expected failure", declared
            elif status == "passed":
                status, reason = "unexpected pass", f"expected to fail, but passes; declared reason: {declared}"
        yield Result(name, check.name, status, reason, time.monotonic() - start, failure)


def _outcome(check: Check[S], subject: S) -> tuple[Status, str, str]:
    """Return status, reason and traceback."""
    try:
        check.run(subject)
    except NotApplicableError as reason:
        return "skipped", reason.message, ""
    except (Exception, SystemExit) as error:
        return "failed", describe(error), traceback.format_exc()
    return "passed", "", ""


def describe(error: BaseException) -> str:
    """Return one line that describes an error, without the class name for errors of the suite."""
    if isinstance(error, FwibenchError):
        return shorten(error.message) + (f" ({error.hint})" if error.hint else "")
    return shorten(f"{type(error).__name__}: {error}")


def refuse_unknown(expected_failures: Mapping[str, str], checks: Iterable[Check[S]]) -> None:
    """Raise `UnknownNameError` if an expected failure names an unknown check."""
    known = [check.name for check in checks]
    for name in expected_failures:
        if name not in known:
            raise UnknownNameError.among("check", name, known)
