"""Published rows beside ours.

Invariant: a published row is marked as such and has no rank: it was scored on other data.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from fwibench.boards.rows import Column, Row, empty_row
from fwibench.plugins.registry import Registry


def with_published(rows: Sequence[Row], registry: Registry) -> list[Row]:
    """Return rows of a board, followed dataset by dataset by what publications print of the registered methods.

    Args:
        rows: Rows of the board.
        registry: Its methods tell the published numbers.
    """
    if not rows:
        return []
    columns = rows[0].columns
    printed: dict[str, list[Row]] = {}
    for name, offer in registry.methods.items():
        for entry in offer.spec.published:
            numbers = {key: value for key, value in entry.model_dump().items() if key in columns.by_key}
            about = {"method": name, "plugin": offer.plugin.distribution, "options": "", "track": offer.spec.track}
            source = {"source": f"published: {entry.source}", "status": "published"}
            row = empty_row(columns, **{**numbers, **about, **source})
            printed.setdefault(entry.dataset, []).append(row)
    found: list[Row] = []
    names = [str(row["dataset"]).partition("[")[0].partition("@")[0] for row in rows]
    for name in dict.fromkeys(names):
        ours = [row for row, own in zip(rows, names, strict=True) if own == name]
        found += ours
        theirs = (row.changed(unit=ours[0]["unit"]) for row in printed.get(name, []))
        found += sorted((replace(row, unit=ours[0].unit) for row in theirs), key=_order)
    return found


def is_published(column: Column, rows: Iterable[Row]) -> bool:
    """Return whether published rows among some rows have a number in a column, so that ours is shown beside it."""
    printed = (row for row in rows if row["status"] == "published")
    return bool(column.title) and column.kind != "text" and any(row[column.key] is not None for row in printed)


def _order(row: Row) -> tuple[str, bool, float, str]:
    score = None if row.score is None else row.columns.ranking.order(row.score)
    return row["source"], score is None, score or 0.0, row["method"]
