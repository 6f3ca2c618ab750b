"""Differences between two results of the same cells."""

from __future__ import annotations

from dataclasses import dataclass, field

from fwibench.runs.artefacts.record import Record

TOLERANCE = 1e-6
"""Relative tolerance of scores: the order of floating-point sums on another machine changes less."""


@dataclass(frozen=True)
class Change:
    """One value that differs between two results of a cell.

    Attributes:
        run: Name of the run.
        what: `status`, or the name of a metric.
        first: Value in the first folder; None if it has no score.
        second: Value in the second folder.
    """

    run: str
    what: str
    first: str | float | None
    second: str | float | None

    @property
    def size(self) -> float | None:
        """Second value minus first value; None unless both are numbers."""
        if isinstance(self.first, float) and isinstance(self.second, float):
            return self.second - self.first
        return None

    @property
    def relative(self) -> float | None:
        """Difference relative to the first value; None if that is 0 or no number."""
        return (
            self.size / abs(self.first)
            if self.size is not None and isinstance(self.first, float) and self.first
            else None
        )


@dataclass
class Differences:
    """Differences between two results folders.

    Attributes:
        only_first: Names of runs that are missing from the second folder.
        only_second: Names of runs that are missing from the first folder.
        changes: Differing values of cells that both folders have.
        same: Number of cells with equal results in both folders.
    """

    only_first: list[str] = field(default_factory=list)
    only_second: list[str] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    same: int = 0

    @property
    def equal(self) -> bool:
        """Whether both folders have the same cells with equal results."""
        return not (self.only_first or self.only_second or self.changes)


def find_differences(first: list[Record], second: list[Record], tolerance: float = TOLERANCE) -> Differences:
    """Compare the records of two folders cell by cell: presence, status and scores.

    Args:
        first: Records of the first folder, one for each cell.
        second: Records of the second folder, one for each cell.
        tolerance: Largest relative difference of scores that counts as equal.

    Returns:
        The differences, sorted by run.
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
    """Return the values that differ between two records of one cell.

    Args:
        first: One record.
        second: The other record.
        tolerance: Largest relative difference of scores that counts as equal.

    Returns:
        The differing status alone, or the differing scores; empty if the records agree.
    """
    if first.status != second.status:
        return [Change(first.run_id, "status", first.status, second.status)]
    names = dict.fromkeys([*first.scores, *second.scores])
    scores = [Change(first.run_id, name, first.scores.get(name), second.scores.get(name)) for name in names]
    return [one for one in scores if not _close(one.first, one.second, tolerance)]


def describe_difference(first: Record, second: Record) -> str:
    """Return the first difference between two records of one cell in words; empty if there is none."""
    changes = find_changes(first, second)
    if not changes:
        return ""
    more = f" and {len(changes) - 1} more" if len(changes) > 1 else ""
    return f"{changes[0].what} is {changes[0].first} and {changes[0].second}{more}"


def _close(first: object, second: object, tolerance: float) -> bool:
    if isinstance(first, float) and isinstance(second, float):
        return abs(first - second) <= tolerance * max(abs(first), abs(second))
    return first == second
