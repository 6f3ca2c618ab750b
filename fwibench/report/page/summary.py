"""What the report says first: how much was run, and what is best where."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fwibench.leaderboard.comparison import least_samples
from fwibench.report.page.tables import Group, show_interval
from fwibench.runs.artefacts.record import Record
from fwibench.text.readable import show_number


@dataclass(frozen=True)
class Best:
    """The best of a group.

    Attributes:
        place: What its rows have in common.
        anchor: Of its table.
        methods: How many were ranked.
        name: Method of the lowest error; empty where nothing was ranked.
        error: Its MAE, with the unit.
        interval: Of that.
        tied: Methods that cannot be told from it.
        too_few: Whether so few test samples cannot tell any of the methods apart; then there is no best.
    """

    place: dict[str, Any]
    anchor: str
    methods: int
    name: str
    error: str
    interval: str
    tied: list[str]
    too_few: bool


def summarise(groups: Sequence[Group]) -> list[Best]:
    """The best of each group; printed rows have none."""
    found = []
    for group in groups:
        if group.published:
            continue
        scored = [shown for shown in group.rows if shown.row["mae"] is not None]
        samples = group.place["n_test"]
        too_few = samples is not None and len(scored) > 1 and samples < least_samples(len(scored) - 1)
        ranked = [shown for shown in scored if shown.row["rank"] is not None and not too_few]
        first = min(ranked, key=lambda shown: shown.row["mae"], default=None)
        found.append(
            Best(
                place=group.place,
                anchor=group.anchor,
                methods=len(scored),
                name=first.name if first else "",
                error=f"{show_number(first.row['mae'])} {group.unit}".strip() if first else "",
                interval=show_interval(first.row) if first else "",
                tied=[shown.name for shown in ranked if shown.tied and shown is not first],
                too_few=too_few,
            )
        )
    return found


def count(records: Sequence[Record]) -> list[tuple[str, str]]:
    """Numbers that say how much there is, each with its name."""
    good = sum(record.status == "ok" for record in records)
    counts = [
        ("run", len(records)),
        ("dataset", len({record.cell.dataset for record in records})),
        ("method", len({record.cell.method for record in records})),
        ("seed", len({record.cell.seed for record in records})),
    ]
    said = [(str(number), name if number == 1 else f"{name}s") for name, number in counts]
    return [*said, (str(len(records) - good), "not ok")]
