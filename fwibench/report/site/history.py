"""The best score of each table over time.

Invariant: a step is the leaderboard of the entries that were submitted until then, former entries of a cell included.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from fwibench.boards.board import make_board
from fwibench.boards.rows import Columns, Row
from fwibench.report.site.boards import Section
from fwibench.report.site.entries import Entry, latest

WIDTH, HEIGHT, MARGIN = 640.0, 120.0, 8.0
"""Size of a curve, and the room around it for its points [pixels]."""


@dataclass(frozen=True)
class Step:
    """An addition to a table.

    Attributes:
        entry: The entry.
        row: Row that it made or changed.
        best: Row with the best score after it; None if no row has a score.
        leads: Whether that is its own row.
    """

    entry: Entry
    row: Row
    best: Row | None
    leads: bool


@dataclass(frozen=True)
class Course:
    """The course of a table.

    Attributes:
        n_test: Number of test samples.
        steps: In the order of submission.
        line: Best score over time as an SVG path; empty without scores, or with those of a single moment.
        points: Places of the steps that took the lead, each with its step.
        first: Best score after the first step that has one.
        last: Best score after the last step.
    """

    n_test: int | None
    steps: Sequence[Step]
    line: str
    points: Sequence[tuple[float, float, Step]]
    first: float | None = None
    last: float | None = None


def trace(section: Section, columns: Columns) -> list[Course]:
    """Return the course of each table of a section.

    Args:
        section: The section.
        columns: Columns of all metrics.
    """
    found: dict[int, list[Step]] = {}
    so_far: list[Entry] = []
    for _, group in groupby(section.submitted, key=lambda entry: entry.submission.created):
        added = list(group)
        so_far += added
        rows = make_board((entry.record for entry in latest(so_far)), columns).rows
        for entry in latest(added):
            row = next(row for row in rows if entry.record.run_id in row.run_ids)
            rivals = [one for one in rows if one["n_test"] == row["n_test"] and one.score is not None]
            best = min(rivals, key=lambda one: columns.ranking.order(one.score or 0.0), default=None)
            found.setdefault(row["n_test"] or 0, []).append(Step(entry, row, best, leads=row is best))
    return [_draw(n_test or None, found[n_test]) for n_test in sorted(found)]


def _draw(n_test: int | None, steps: Sequence[Step]) -> Course:
    scored = [(step, step.best.score) for step in steps if step.best is not None and step.best.score is not None]
    moments = [step.entry.submission.created for step, _ in scored]
    if len(set(moments)) < 2:
        return Course(n_test, steps, "", ())
    begin, end = moments[0], moments[-1]
    low, high = (limit(score for _, score in scored) for limit in (min, max))

    def place(when: datetime, score: float) -> tuple[float, float]:
        across = (when - begin) / (end - begin)
        # a single score lies in the middle
        down = (high - score) / (high - low) if high > low else 0.5
        return (
            round(MARGIN + across * (WIDTH - 2 * MARGIN), 1),
            round(MARGIN + down * (HEIGHT - 2 * MARGIN), 1),
        )

    places = [(*place(step.entry.submission.created, score), step) for step, score in scored]
    x, y, _ = places[0]
    line = f"M{x} {y}" + "".join(f"H{x}V{y}" for x, y, _ in places[1:])
    return Course(n_test, steps, line, [one for one in places if one[2].leads], scored[0][1], scored[-1][1])
