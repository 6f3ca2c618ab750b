"""Every error that fwibench raises on purpose.

Invariant: an error says what was wrong and what was expected; its `hint` says what to do about it.
The command line prints both and keeps the traceback for `--debug`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

MOST_NAMES = 8
"""Known names that a hint lists."""
LISTED_BY = {"run": "fwibench status"}
"""Commands that list all names of a kind, by the last word of the kind."""


class FwibenchError(Exception):
    """Base of all deliberate errors.

    Args:
        message: What was wrong, what was expected, and where.
        hint: What the user can do about it; empty when there is nothing to add.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        return type(self), (self.message, self.hint)


class UsageError(FwibenchError):
    """The command or its options cannot be understood."""


class UnknownNameError(UsageError):
    """A method, dataset, metric or run of that name does not exist."""

    @classmethod
    def among(cls, kind: str, name: str, known: Iterable[str], note: str = "") -> UnknownNameError:
        """Builds the error for `name`, with the closest known names in the hint."""
        known = sorted(set(known))
        close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        if close:
            hint = f"did you mean {' or '.join(close)}?"
        else:
            hint = f"known are: {_some(name, known)}" if known else f"there is no {kind} yet"
        if known and (command := LISTED_BY.get(kind.split()[-1])):
            hint += f" ({command} lists them)"
        return cls(f"there is no {kind} named '{name}'", f"{hint} {note}".strip())


def _some(name: str, known: Sequence[str]) -> str:
    """The known names, or where they are many the nearest."""
    if len(known) <= MOST_NAMES:
        return ", ".join(known)
    near = sorted(known, key=lambda one: -difflib.SequenceMatcher(None, one, name).ratio())
    return f"{', '.join(near[:MOST_NAMES])} and {len(known) - MOST_NAMES} more"


class OptionError(UsageError):
    """An option has a name or a value that its owner does not accept."""


class ProblemError(FwibenchError):
    """An array or a setting does not fit the problem: wrong shape, unit or bounds."""


class DataError(FwibenchError):
    """Stored data are missing, incomplete or damaged, or cannot be made."""


class PluginError(FwibenchError):
    """A plugin breaks the contract of its hooks or specs."""


class MethodError(FwibenchError):
    """A method breaks its contract: used before fit, wrong output shape, and so on."""


class UnsuitableError(FwibenchError):
    """A method cannot work here at all, so its cell is skipped."""


class DivergedError(MethodError):
    """Training or inversion produced values that are not finite."""


class MetricError(FwibenchError):
    """A metric breaks its contract."""


class RecordError(FwibenchError):
    """A record cannot be read."""
