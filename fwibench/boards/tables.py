"""The leaderboard as tables of texts, one for each group of rows that are ranked together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from fwibench.boards.published import is_published
from fwibench.boards.rows import Column, Row
from fwibench.text.readable import counted


@dataclass(frozen=True)
class Table:
    """Texts.

    Attributes:
        title: What the rows have in common.
        columns: The columns.
        header: Their heads.
        rows: Cells, as many as there are columns.
    """

    title: str
    columns: tuple[Column, ...]
    header: tuple[str, ...]
    rows: list[list[str]]

    @property
    def right(self) -> tuple[str, ...]:
        """Heads of the columns that are aligned to the right."""
        texts = ("method", "device", "status")
        heads = zip(self.columns, self.header, strict=True)
        return tuple(head for column, head in heads if column.key not in texts)

    @property
    def optional(self) -> tuple[str, ...]:
        """Heads of the columns that a narrow terminal may lack, the first to drop first."""
        heads = enumerate(zip(self.columns, self.header, strict=True))
        numbered = sorted((column.dropped, -number, head) for number, (column, head) in heads if column.dropped)
        return tuple(head for _, _, head in numbered)


def make_tables(rows: Sequence[Row]) -> list[Table]:
    """Make a table for each group.

    Args:
        rows: Leaderboard rows, group by group.

    Returns:
        Tables with the columns that are shown at first, and those that published rows fill; a metric or cost without a
        value in any of the rows has none. What says how it ran comes last.
    """
    shown = [column for column in _columns(rows) if "table" in column.shown or is_published(column, rows)]
    shown.sort(key=lambda column: column.part == "run")
    groups = (list(group) for _, group in groupby(rows, key=lambda row: row.group))
    return [_make_table(group, shown) for group in groups]


def _columns(rows: Sequence[Row]) -> Iterable[Column]:
    if not rows:
        return
    columns = rows[0].columns
    for column in columns:
        empty = all(row[column.key] is None for row in rows)
        if not (empty and column.part in ("score", "cost")) or column is columns.ranking:
            yield column


def _make_table(rows: list[Row], columns: Sequence[Column]) -> Table:
    first = rows[0]
    title = "; ".join(filter(None, (_title(first), _tie(rows))))
    header = tuple(column.head(first.unit) for column in columns)
    return Table(title, tuple(columns), header, [[column.text(row) for column in columns] for row in rows])


def _tie(rows: Iterable[Row]) -> str:
    """What a shared rank means; empty if none is shared."""
    tied = [row for row in rows if row.tied]
    seeds = ", over the test samples of one seed" if any(row.of_one_seed for row in tied) else ""
    return f"1= is statistically indistinguishable from the best{seeds}" if tied else ""


def _title(row: Row) -> str:
    if row["status"] == "published":
        return f"{row['dataset']} ({row['source']}), as published, not ranked"
    groups = f" in {counted(row['n_groups'], 'group')}" if row["n_groups"] else ""
    return f"{row.setting.title}, {row['n_test'] or 'no'} test samples{groups}"
