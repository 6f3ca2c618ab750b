"""Leaderboard rows as tables of a page, one for each group that is ranked together.

Invariant: a cell keeps its value beside its text, so that a column sorts by value; what was not measured is empty.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, get_args

from fwibench.boards.published import is_published
from fwibench.boards.rows import Column, Columns, Part, Row, Setting


@dataclass(frozen=True)
class Head:
    """Head of a column.

    Attributes:
        column: The column.
        text: What it shows, with the unit.
        meaning: One line.
        more: Whether the column is shown only with all columns.
    """

    column: Column
    text: str
    meaning: str
    more: bool


@dataclass(frozen=True)
class Entry:
    """A cell: its text, the value it sorts by, and whether that is the best of its column."""

    text: str
    value: Any
    best: bool = False


@dataclass(frozen=True)
class Shown:
    """A row of a table.

    Attributes:
        row: Row of the leaderboard.
        anchor: Id of the row in the page.
        entries: One for each head.
        bar: Ends of the interval and the mean, in percent of the largest in the group; None without an interval.
    """

    row: Row
    anchor: str
    entries: list[Entry]
    bar: tuple[float, float, float] | None


@dataclass(frozen=True)
class Group:
    """A table.

    Attributes:
        setting: What its rows have in common.
        n_test: Number of test samples; None if it is not known.
        n_groups: Number of groups of samples that are not independent; None if all are independent.
        published: Whether it shows published rows, which have no rank.
        heads: Heads of its columns.
        rows: In the order of the leaderboard.
    """

    setting: Setting
    n_test: int | None
    n_groups: int | None
    published: bool
    heads: list[Head]
    rows: list[Shown]

    @property
    def anchor(self) -> str:
        """Id of the table in the page."""
        return f"group-of-{self.rows[0].anchor}"


def make_groups(rows: Sequence[Row], first: int = 0) -> list[Group]:
    """Make a table for each group.

    Args:
        rows: Rows of a leaderboard, group by group, published ones included.
        first: Number in the id of the first row, for a page with rows of several leaderboards.
    """
    made: list[Group] = []
    added = {column.key for column in rows[0].columns if is_published(column, rows)} if rows else set()
    count = first
    for _, same in groupby(rows, key=lambda row: row.group):
        group = list(same)
        made.append(_group(group, count, added))
        count += len(group)
    return made


def _group(rows: list[Row], count: int, added: Collection[str]) -> Group:
    """The table of a group; columns in `added` are shown at first, too."""
    first = rows[0]
    published = first["status"] == "published"
    columns = _columns(rows, published=published)
    best = {} if published else {column.key: _best(column, rows) for column in columns if column.metric}
    largest = max((row.interval[1] for row in rows if row.interval), default=0.0)
    return Group(
        setting=first.setting,
        n_test=first["n_test"],
        n_groups=min((row["n_groups"] for row in rows if row["n_groups"]), default=None),
        published=published,
        heads=[
            _head(column, first.unit, more="page" not in column.shown and column.key not in added) for column in columns
        ],
        rows=[
            Shown(
                row=row,
                anchor=f"row-{count + number}",
                entries=[_entry(column, row, best.get(column.key)) for column in columns],
                bar=_bar(row, largest),
            )
            for number, row in enumerate(rows)
        ],
    )


def _columns(rows: Sequence[Row], *, published: bool) -> list[Column]:
    """Columns of a table: those with a title and a value, part by part; rank and method always."""
    columns: Columns = rows[0].columns
    always = {"method"} if published else {"rank", "method"}
    titled = [column for column in columns if column.title]
    known = [one for one in titled if one.key in always or any(row[one.key] is not None for row in rows)]
    return sorted(known, key=lambda column: get_args(Part).index(column.part))


def _head(column: Column, property_unit: str, *, more: bool) -> Head:
    title, unit = column.heading or column.title, column.unit(property_unit).replace("^2", "²")
    text = f"{title} [{unit}]" if unit else title
    return Head(column, text, column.meaning.replace("`", ""), more)


def _entry(column: Column, row: Row, best: float | None) -> Entry:
    value = row.label if column.key == "method" else row[column.key]
    return Entry(column.text(row), value, best=value is not None and value == best)


def _best(column: Column, rows: Iterable[Row]) -> float | None:
    """The best value of a column of scores; None unless there are several."""
    values: list[float] = [row[column.key] for row in rows if row[column.key] is not None]
    return min(values, key=column.order) if len(values) > 1 else None


def _bar(row: Row, largest: float) -> tuple[float, float, float] | None:
    if row.interval is None or row.score is None or largest <= 0:
        return None
    low, high, mean = (100 * float(value) / largest for value in (*row.interval, row.score))
    return low, high, mean
