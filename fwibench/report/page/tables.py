"""Leaderboard rows as tables of a page, one for each group that is ranked together.

Invariant: a cell keeps its value beside its text, so that a column sorts by value; what was not measured is empty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from fwibench.leaderboard.columns import COLUMNS
from fwibench.leaderboard.rows import GROUP, Row, label
from fwibench.text.readable import show_count, show_number, show_seconds


@dataclass(frozen=True)
class Head:
    """Head of a column.

    Attributes:
        name: Of the column.
        text: What stands there, with the unit.
        meaning: One line.
        best: `low` or `high` comes first.
        number: Whether its values are numbers.
        more: Whether it is shown only with all columns.
    """

    name: str
    text: str
    meaning: str
    best: str
    number: bool
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
        row: Of the leaderboard.
        name: Method with its options.
        anchor: Name of its place in the page.
        tied: Whether it shares the first rank.
        entries: One for each head.
        bar: Ends of the interval and the mean, in percent of the group's largest; None where there is no interval.
    """

    row: Row
    name: str
    anchor: str
    tied: bool
    entries: list[Entry]
    bar: tuple[float, float, float] | None


@dataclass(frozen=True)
class Group:
    """A table.

    Attributes:
        place: What its rows have in common.
        unit: Of the property.
        published: Whether it shows printed rows, which have no rank.
        heads: Of its columns.
        rows: In the order of the leaderboard.
    """

    place: dict[str, Any]
    unit: str
    published: bool
    heads: list[Head]
    rows: list[Shown]

    @property
    def anchor(self) -> str:
        """Name of its place in the page."""
        return f"group-of-{self.rows[0].anchor}"


@dataclass(frozen=True)
class _Column:
    text: str
    show: Callable[[Any], str]
    more: bool = False
    scored: bool = False


def _plain(value: Any) -> str:
    return "" if value is None else str(value)


SHOWN = {
    "rank": _Column("rank", _plain),
    "method": _Column("method", _plain),
    "mae": _Column("MAE [{unit}]", show_number, scored=True),
    "mae_ci_low": _Column("95 % interval", _plain),
    "rmse": _Column("RMSE [{unit}]", show_number, scored=True),
    "mse": _Column("MSE [({unit})²]", show_number, more=True, scored=True),
    "ssim": _Column("SSIM", show_number, scored=True),
    "ssim_wang": _Column("SSIM (Wang)", show_number, more=True, scored=True),
    "data_misfit": _Column("data misfit", show_number, scored=True),
    "parameters": _Column("parameters", show_count),
    "parameters_closed_form": _Column("closed form", show_count, more=True),
    "flops": _Column("FLOPs", show_count),
    "macs": _Column("MACs", show_count, more=True),
    "fit_s": _Column("fit", show_seconds),
    "predict_ms_cpu1": _Column("predict [ms]", lambda value: show_number(value, 3)),
    "throughput_per_s": _Column("samples/s", lambda value: show_number(value, 3), more=True),
    "peak_memory_mb": _Column("memory [MB]", lambda value: "" if value is None else f"{value:.0f}", more=True),
    "seeds": _Column("seeds", _plain),
    "n_train": _Column("train", _plain, more=True),
    "device": _Column("device", _plain, more=True),
    "method_version": _Column("version", _plain, more=True),
    "date_utc": _Column("date", lambda value: _plain(value)[:10], more=True),
}
"""Columns of the page, in its order, with the text of their heads."""
MEANING = {
    "mae_ci_low": "95 % bootstrap interval of MAE over samples and seeds; it sorts by its lower end",
    "predict_ms_cpu1": "one sample on one CPU thread, median",
    "fit_s": "time of fit",
}
"""Where the leaderboard's own words do not fit the page."""


def make_groups(rows: Sequence[Row], units: Mapping[str, str]) -> list[Group]:
    """Tables of rows that stand group by group.

    Args:
        rows: Of a leaderboard, printed ones included.
        units: Unit of the property, by dataset as in the rows.
    """
    made: list[Group] = []
    count = 0
    for _, same in groupby(rows, key=lambda row: tuple(row[name] for name in GROUP)):
        group = list(same)
        made.append(_group(group, units.get(str(group[0]["dataset"]), ""), count))
        count += len(group)
    return made


def _group(rows: list[Row], unit: str, count: int) -> Group:
    published = rows[0]["status"] == "published"
    always = ("method",) if published else ("rank", "method")
    names = [name for name in SHOWN if name in always or any(row[name] is not None for row in rows)]
    best = {} if published else {name: _best(name, rows) for name in names if SHOWN[name].scored}
    tied = sum(row["rank"] == 1 for row in rows) > 1
    largest = max((row["mae_ci_high"] for row in rows if row["mae_ci_high"] is not None), default=0.0)
    return Group(
        place={name: rows[0][name] for name in GROUP},
        unit=unit,
        published=published,
        heads=[_head(name, unit) for name in names],
        rows=[
            Shown(
                row=row,
                name=label(row),
                anchor=f"row-{count + number}",
                tied=tied and row["rank"] == 1,
                entries=[_entry(name, row, best.get(name)) for name in names],
                bar=_bar(row, largest),
            )
            for number, row in enumerate(rows)
        ],
    )


def _head(name: str, unit: str) -> Head:
    column, known = SHOWN[name], COLUMNS[name]
    return Head(
        name,
        column.text.format(unit=unit),
        MEANING.get(name, known.meaning.replace("`", "")),
        known.best,
        known.kind != "text",
        column.more,
    )


def _entry(name: str, row: Row, best: float | None) -> Entry:
    value = label(row) if name == "method" else row[name]
    text = show_interval(row) if name == "mae_ci_low" else SHOWN[name].show(value)
    return Entry(text, value, best=value is not None and value == best)


def show_interval(row: Row) -> str:
    """Ends of a row's interval; empty where there is none."""
    ends = [row["mae_ci_low"], row["mae_ci_high"]]
    return "" if None in ends else " to ".join(map(show_number, ends))


def _best(name: str, rows: Iterable[Row]) -> float | None:
    """The best value of a column of scores; None where there is nothing to be better than."""
    values = [row[name] for row in rows if row[name] is not None]
    if len(values) < 2:
        return None
    return max(values) if COLUMNS[name].best == "high" else min(values)


def _bar(row: Row, largest: float) -> tuple[float, float, float] | None:
    ends = (row["mae_ci_low"], row["mae_ci_high"], row["mae"])
    if None in ends or largest <= 0:
        return None
    low, high, mean = (100 * float(value) / largest for value in ends)
    return low, high, mean
