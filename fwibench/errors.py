"""The errors of fwibench.

Invariant: the message of an error states what is wrong and what was expected, and its hint states what to do. The
command line prints both, and the traceback with `--debug` only.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

MOST_NAMES = 8
"""Largest number of known names that a hint lists."""
LISTED_BY = {"run": "fwibench status"}
"""Commands that list all names of a kind, by the last word of the kind."""


class FwibenchError(Exception):
    """Base class of all errors of fwibench.

    Args:
        message: What is wrong, what was expected, and where.
        hint: What the user can do; empty for no advice.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        return type(self), (self.message, self.hint)


class UsageError(FwibenchError):
    """A command or an option is invalid."""


class UnknownNameError(UsageError):
    """There is no method, dataset, metric, run or other item of a name."""

    @classmethod
    def among(cls, kind: str, name: str, known: Iterable[str], note: str = "") -> UnknownNameError:
        """Return the error for an unknown name, with the closest known names as hint.

        Args:
            kind: Kind of the item, such as "method".
            name: The unknown name.
            known: Known names of that kind.
            note: Text to append to the hint.
        """
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
    """Return the known names; of more than `MOST_NAMES` those closest to `name`."""
    if len(known) <= MOST_NAMES:
        return ", ".join(known)
    near = sorted(known, key=lambda one: -difflib.SequenceMatcher(None, one, name).ratio())
    return f"{', '.join(near[:MOST_NAMES])} and {len(known) - MOST_NAMES} more"


class OptionError(UsageError):
    """An option of a method or dataset is unknown or has an invalid value."""


class ProblemError(FwibenchError):
    """An array or a setting does not fit the problem, such as by its shape or bounds."""


class DataError(FwibenchError):
    """Stored data are missing, incomplete or damaged, or cannot be created."""


class PluginError(FwibenchError):
    """A plugin violates the contract of hooks or specs."""


class MethodError(FwibenchError):
    """A method violates its contract, such as by the shape of its predictions."""


class UnsuitableError(FwibenchError):
    """A method cannot be applied to a dataset or device, so its cell is skipped."""


class DivergedError(MethodError):
    """Training or inversion produced values that are not finite."""


class MetricError(FwibenchError):
    """A metric violates its contract."""


class RecordError(FwibenchError):
    """A record cannot be read."""
