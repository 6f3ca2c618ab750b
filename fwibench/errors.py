"""The exceptions that fwibench raises deliberately.

Invariant: the message says what was wrong and what was expected, the `hint` says what to do about it. The command line
prints both, and the traceback only with `--debug`.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence

MOST_NAMES = 8
"""Largest number of known names that a hint lists."""
LISTED_BY = {"run": "fwibench status"}
"""Command that lists all names of a kind, by the last word of the kind."""


class FwibenchError(Exception):
    """Base class of all deliberate errors.

    Args:
        message: What was wrong, what was expected, and where.
        hint: What the user can do about it; empty if there is no advice.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        return type(self), (self.message, self.hint)


class UsageError(FwibenchError):
    """The command or one of its options is invalid."""


class UnknownNameError(UsageError):
    """No method, dataset, metric or run has the given name."""

    @classmethod
    def among(cls, kind: str, name: str, known: Iterable[str], note: str = "") -> UnknownNameError:
        """Return the error for an unknown name, with the closest known names in its hint.

        Args:
            kind: What is named, such as `method`.
            name: The unknown name.
            known: All known names of this kind.
            note: Sentence that is appended to the hint.
        """
        known = sorted(set(known))
        close = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
        if close:
            hint = f"did you mean {' or '.join(close)}?"
        else:
            hint = f"known are: {_list_names(name, known)}" if known else f"there is no {kind} yet"
        if known and (command := LISTED_BY.get(kind.split()[-1])):
            hint += f" ({command} lists them)"
        return cls(f"there is no {kind} named '{name}'", f"{hint} {note}".strip())


def _list_names(name: str, known: Sequence[str]) -> str:
    """Return all known names, or the ones closest to `name` if there are more than `MOST_NAMES`."""
    if len(known) <= MOST_NAMES:
        return ", ".join(known)
    near = sorted(known, key=lambda one: -difflib.SequenceMatcher(None, one, name).ratio())
    return f"{', '.join(near[:MOST_NAMES])} and {len(known) - MOST_NAMES} more"


class OptionError(UsageError):
    """A method or dataset does not accept the name or the value of an option."""


class ProblemError(FwibenchError):
    """An array or a setting does not match the problem: wrong shape, unit or bounds."""


class DataError(FwibenchError):
    """Stored data are missing, incomplete or damaged, or cannot be created."""


class PluginError(FwibenchError):
    """A plugin violates the contract of its hooks or specs."""


class MethodError(FwibenchError):
    """A method violates its contract: used before fit, wrong output shape, and so on."""


class UnsuitableError(FwibenchError):
    """A method cannot run on this dataset or machine, so its cell is skipped."""


class DivergedError(MethodError):
    """Training, inversion or prediction produced values that are not finite."""


class MetricError(FwibenchError):
    """A metric violates its contract."""


class RecordError(FwibenchError):
    """A record cannot be read."""
