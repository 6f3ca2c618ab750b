"""What differs between two results of the same cells."""

from __future__ import annotations

from dataclasses import dataclass, field

from fwibench.runs.artefacts.record import Record

TOLERANCE = 1e-6
"""Relative; below it lies what the order of sums on another machine changes."""


@dataclass(frozen=True)
class Change:
    """A cell whose results differ.

    Attributes:
        run: Its name.
        what: `status`, or the name of a metric.
        first: Of the first folder; None where it has no score.
        second: Of the second.
    """

    run: str
    what: str
    first: str | float | None
    second: str | float | None

    @property
    def size(self) -> float | None:
        """Second less first; None where there is no such number."""
        if isinstance(self.first, float) and isinstance(self.second, float):
            return self.second - self.first
        return None

    @property
    def relative(self) -> float | None:
        """Size against the first; None where that is 0."""
        return (
            self.size / abs(self.first)
            if self.size is not None and isinstance(self.first, float) and self.first
            else None
        )


@dataclass
class Differences:
    """Two folders.

    Attributes:
        only_first: Names of runs that the second has not.
        only_second: Names of runs that the first has not.
        changes: Of cells that both have.
        same: How many cells both have with equal results.
    """

    only_first: list[str] = field(default_factory=list)
    only_second: list[str] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    same: int = 0

    @property
    def equal(self) -> bool:
        """Whether both folders say the same."""
        return not (self.only_first or self.only_second or self.changes)


def find_differences(first: list[Record], second: list[Record], tolerance: float = TOLERANCE) -> Differences:
    """Compares records cell by cell: which are there, their status, their scores.

    Args:
        first: Records, each cell's once.
        second: The same of another folder.
        tolerance: Relative difference of scores that is none.
    """
    ours, theirs = ({record.cell.key: record for record in records} for records in (first, second))
    found = Differences(
        only_first=[record.run_id for key, record in ours.items() if key not in theirs],
        only_second=[record.run_id for key, record in theirs.items() if key not in ours],
    )
    for key in ours.keys() & theirs.keys():
        changes = find_changes(ours[key], theirs[key], tolerance)
        found.changes += changes
        found.same += not changes
    found.changes.sort(key=lambda change: change.run)
    return found


def find_changes(first: Record, second: Record, tolerance: float = TOLERANCE) -> list[Change]:
    """What differs between two records of one cell."""
    if first.status != second.status:
        return [Change(first.run_id, "status", first.status, second.status)]
    names = dict.fromkeys([*first.scores, *second.scores])
    scores = [Change(first.run_id, name, first.scores.get(name), second.scores.get(name)) for name in names]
    return [one for one in scores if not _close(one.first, one.second, tolerance)]


def describe_difference(first: Record, second: Record) -> str:
    """The first difference of two records of one cell in words; empty where there is none."""
    changes = find_changes(first, second)
    if not changes:
        return ""
    more = f" and {len(changes) - 1} more" if len(changes) > 1 else ""
    return f"{changes[0].what} is {changes[0].first} and {changes[0].second}{more}"


def _close(first: object, second: object, tolerance: float) -> bool:
    if isinstance(first, float) and isinstance(second, float):
        return abs(first - second) <= tolerance * max(abs(first), abs(second))
    return first == second
