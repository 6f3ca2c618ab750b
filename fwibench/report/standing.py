"""Which run stands for a method, and what the method is called.

Invariant: a method stands once, whatever choices of test samples it was scored on, and no two have the same name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from fwibench.boards.board import Line
from fwibench.report.material import Material
from fwibench.runs.artefacts.record import Record

Part = TypeVar("Part")


def names_of(lines: Sequence[Line], runs: Sequence[Record]) -> list[str]:
    """What methods are called in a figure: their label; the key of the first run too, where rows share one.

    Args:
        lines: Of the leaderboard.
        runs: The first run of each.
    """
    labels = [line.label for line in lines]
    return [
        label if labels.count(label) == 1 else f"{label} ({run.cell.key[:8]})"
        for label, run in zip(labels, runs, strict=True)
    ]


def once(pairs: Iterable[tuple[Line, Record]]) -> list[tuple[Line, Record]]:
    """Of a method that was scored on several choices of test samples the row with most."""
    found: dict[str, tuple[Line, Record]] = {}
    for line, record in pairs:
        if line.key not in found or (line.row["n_test"] or 0) > (found[line.key][0].row["n_test"] or 0):
            found[line.key] = line, record
    return list(found.values())


def first_with(
    material: Material, lines: Iterable[Line], read: Callable[[Record], Part | None]
) -> tuple[list[tuple[Line, Record]], dict[str, Part]]:
    """Of each method that has an ingredient, its first run with it; of several rows of a method those with it count.

    Args:
        material: The results.
        lines: Of the board.
        read: The ingredient of a run; what is empty or None is none.

    Returns:
        Methods with their runs, and the ingredient of each of these runs.
    """
    found: dict[str, Part] = {}
    pairs = []
    for line in lines:
        for record in material.runs_of(line.row):
            if part := read(record):
                found[record.run_id] = part
                pairs.append((line, record))
                break
    return once(pairs), found
