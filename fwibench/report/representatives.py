"""Runs that represent a method in figures, and the names of methods there.

Invariant: a method is represented once, whatever choices of test samples it was scored on, and no two methods have the
same name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from fwibench.boards.board import Line
from fwibench.report.sources import Sources
from fwibench.runs.artefacts.record import Record

Part = TypeVar("Part")


def names_of(lines: Sequence[Line], runs: Sequence[Record]) -> list[str]:
    """Return the names of methods in a figure: labels, with the key of the first run where several rows share one.

    Args:
        lines: Lines of the leaderboard.
        runs: The first run of each.
    """
    labels = [line.label for line in lines]
    return [
        label if labels.count(label) == 1 else f"{label} ({run.cell.key[:8]})"
        for label, run in zip(labels, runs, strict=True)
    ]


def one_per_method(pairs: Iterable[tuple[Line, Record]]) -> list[tuple[Line, Record]]:
    """Return each method once: of several choices of test samples the row with most.

    Args:
        pairs: Lines of the leaderboard, each with a run.
    """
    found: dict[str, tuple[Line, Record]] = {}
    for line, record in pairs:
        if line.key not in found or (line.row["n_test"] or 0) > (found[line.key][0].row["n_test"] or 0):
            found[line.key] = line, record
    return list(found.values())


def first_with(
    sources: Sources, lines: Iterable[Line], read: Callable[[Record], Part | None]
) -> tuple[list[tuple[Line, Record]], dict[str, Part]]:
    """Return the first run of each method that has something, such as a history; other rows of the method do not count.

    Args:
        sources: The results.
        lines: Lines of the leaderboard.
        read: Reads it from a run; None or empty if the run has none.

    Returns:
        Methods with their runs, and what was read from each of these runs.
    """
    found: dict[str, Part] = {}
    pairs = []
    for line in lines:
        for record in sources.runs_of(line.row):
            if part := read(record):
                found[record.run_id] = part
                pairs.append((line, record))
                break
    return one_per_method(pairs), found
