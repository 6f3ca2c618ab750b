"""Estimates for a plan: the time of its cells and the disk space of its data."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from fwibench.runs.artefacts.record import Record
from fwibench.runs.planning.plan import PlannedCell


@dataclass(frozen=True)
class Estimate:
    """State and expected duration of a planned cell.

    Attributes:
        state: `finished`, `to run`, or `cannot run` with the reason.
        seconds: Expected duration [s]; None for a cell that will not run, or if no similar cell has finished.
    """

    state: str
    seconds: float | None = None


def estimate(planned: PlannedCell, finished: Sequence[Record]) -> Estimate:
    """Estimate the duration of a cell from finished cells of the same method, dataset and profile.

    Returns:
        The estimate; its duration is the mean of the finished cells.
    """
    if planned.cached:
        return Estimate("finished")
    if planned.skip:
        return Estimate(f"cannot run: {planned.skip}")
    same = ("method", "dataset", "profile")
    durations = [
        record.wall_s
        for record in finished
        if record.wall_s and all(getattr(record.cell, name) == getattr(planned.cell, name) for name in same)
    ]
    return Estimate("to run", fmean(durations) if durations else None)


def missing_bytes(planned: Iterable[PlannedCell]) -> int:
    """Return the disk space of the cells' data that are not prepared yet [bytes]."""
    return sum({one.dataset.fingerprint: one.dataset.missing_bytes() for one in planned}.values())
