"""Summary of a report: how much was run, and the best method of each group."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fwibench.boards.columns import show_interval, show_score
from fwibench.boards.rows import Setting
from fwibench.boards.statistics import least_samples
from fwibench.report.page.tables import Group
from fwibench.runs.artefacts.record import Record


@dataclass(frozen=True)
class Best:
    """The best of a group.

    Attributes:
        setting: What its rows have in common.
        n_test: Number of test samples; None if it is not known.
        n_groups: Number of groups of samples that are not independent; None if all are independent.
        anchor: Id of its table in the page.
        methods: Number of methods with scores.
        name: Method with the best score; empty if nothing was ranked.
        value: Its score; None if nothing was ranked.
        score: Its score as text, with the unit.
        interval: 95 % interval of the score.
        tied: Methods that are statistically indistinguishable from it.
        too_few: Whether there are too few test samples for any significant difference; then no method is the best.
    """

    setting: Setting
    n_test: int | None
    n_groups: int | None
    anchor: str
    methods: int
    name: str
    value: float | None
    score: str
    interval: str
    tied: list[str]
    too_few: bool


def summarise(groups: Sequence[Group]) -> list[Best]:
    """Return the best of each group; groups of published rows have none."""
    found = []
    for group in groups:
        if group.published:
            continue
        scored = [shown.row for shown in group.rows if shown.row.score is not None]
        counted = group.n_groups or group.n_test
        too_few = counted is not None and len(scored) > 1 and counted < least_samples(len(scored) - 1)
        ranked = [row for row in scored if row["rank"] is not None and not too_few]
        first = min(ranked, key=lambda row: row.columns.ranking.order(row.score or 0.0), default=None)
        found.append(
            Best(
                setting=group.setting,
                n_test=group.n_test,
                n_groups=group.n_groups,
                anchor=group.anchor,
                methods=len(scored),
                name=first.label if first else "",
                value=first.score if first else None,
                score=show_score(first) if first else "",
                interval=show_interval(first) if first else "",
                tied=[row.label for row in ranked if row.tied and row is not first],
                too_few=too_few,
            )
        )
    return found


def count(records: Sequence[Record]) -> list[tuple[str, str]]:
    """Return how much there is: numbers, each with the name of what it counts."""
    good = sum(record.status == "ok" for record in records)
    counts = [
        ("run", len(records)),
        ("dataset", len({record.cell.dataset for record in records})),
        ("method", len({record.cell.method for record in records})),
        ("seed", len({record.cell.seed for record in records})),
    ]
    said = [(str(number), name if number == 1 else f"{name}s") for name, number in counts]
    return [*said, (str(len(records) - good), "not ok")]
