"""Printed rows beside ours.

Invariant: a printed row is marked as that and has no rank: it was scored on other data.
"""

from __future__ import annotations

from collections.abc import Sequence

from fwibench.leaderboard.columns import COLUMNS
from fwibench.leaderboard.rows import Row
from fwibench.plugins.registry import Registry


def with_published(rows: Sequence[Row], registry: Registry) -> list[Row]:
    """Our rows; behind those of a dataset what publications print of the registered methods on it."""
    printed: dict[str, list[Row]] = {}
    for name, offer in registry.methods.items():
        for entry in offer.spec.published:
            row: Row = dict.fromkeys(COLUMNS)
            row.update(
                method=name,
                plugin=offer.plugin.distribution,
                options="",
                dataset=entry.dataset,
                source=f"published: {entry.source}",
                track=offer.spec.track,
                mae=entry.mae,
                mse=entry.mse,
                ssim=entry.ssim,
                parameters=entry.parameters,
                flops=entry.flops,
                status="published",
            )
            printed.setdefault(entry.dataset, []).append(row)
    found: list[Row] = []
    names = [str(row["dataset"]).partition("[")[0].partition("@")[0] for row in rows]
    for name in dict.fromkeys(names):
        ours = [row for row, own in zip(rows, names, strict=True) if own == name]
        found += ours
        found += sorted(
            ({**row, "unit": ours[0]["unit"]} for row in printed.get(name, [])),
            key=lambda row: (row["source"], row["mae"] is None, row["mae"] or 0.0, row["method"]),
        )
    return found
