"""Accuracy against cost: score over parameters, arithmetic and time.

Invariant: all methods of a figure are scored on the same test samples; the caption names what was not measured. A
measured zero is drawn beside the logarithmic axis.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from fwibench.boards.board import Line
from fwibench.boards.rows import Row
from fwibench.report.canvas import new_figure
from fwibench.report.figures.drawing import Drawing, stem, title
from fwibench.report.figures.style import MOST_METHODS, listed, mark, number, short_ticks, tick, wrap
from fwibench.report.representatives import names_of
from fwibench.report.sources import Sources
from fwibench.text.readable import counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def _parameters(row: Row) -> float | None:
    parts = [row["parameters"], row["parameters_closed_form"]]
    return None if None in parts else sum(parts)


COSTS: dict[str, Callable[[Row], float | None]] = {
    "parameters, trained and closed form": _parameters,
    "FLOPs of one sample": lambda row: row["flops"],
    "one sample on one CPU thread [ms]": lambda row: row["predict_ms_cpu1"],
}
"""Labels of the axes, and what they show of a row."""


@dataclass(frozen=True)
class Point:
    """A method.

    Attributes:
        name: Name of the method.
        row: Row of the leaderboard on the shared samples.
        look: Colour and marker.
    """

    name: str
    row: Row
    look: dict[str, Any]


def list_cost(sources: Sources, lines: Sequence[Line]) -> list[Drawing]:
    """List a figure for each group of methods that were scored on the same samples."""
    settings = {line.setting for line in lines}
    drawings = []
    for _, group in groupby(sources.shared.lines, key=lambda line: line.row.group):
        here = [line for line in group if line.setting in settings and line.row.score is not None]
        if any(map(_has_cost, here)):
            drawings.append(_list_group(sources, here))
    return drawings


def _list_group(sources: Sources, lines: Sequence[Line]) -> Drawing:
    names = names_of(lines, [sources.runs_of(line.row)[0] for line in lines])
    bare = [name for name, line in zip(names, lines, strict=True) if not _has_cost(line)]
    measured = [(name, line.row) for name, line in zip(names, lines, strict=True) if _has_cost(line)]
    points = [Point(name, row, mark(number)) for number, (name, row) in enumerate(measured)]
    shown, setting = points[:MOST_METHODS], lines[0].setting
    left = [*(point.name for point in points[MOST_METHODS:]), *(f"{name}, without any cost" for name in bare)]
    unit = sources.runs_of(lines[0].row)[0].unit
    return Drawing(
        name=stem("cost", *setting.words),
        kind="cost",
        title=title("Accuracy against cost", setting),
        caption=_caption(lines[0], shown, left, unit),
        setting=setting,
        draw=lambda: _draw(shown, unit),
    )


def _has_cost(line: Line) -> bool:
    return any(cost(line.row) is not None for cost in COSTS.values())


def _caption(line: Line, points: Sequence[Point], left: Sequence[str], unit: str) -> str:
    best, column = points[0].row, line.row.columns.ranking
    score = f"{number(best.score or 0.0)} {column.unit(unit)}".strip()
    lead = f"the best is {score} of {points[0].name}"
    stated = [point.name for point in points if point.row.stated]
    unmeasured = [
        f"{axis} of {listed(names)}"
        for axis, cost in COSTS.items()
        if (names := [point.name for point in points if cost(point.row) is None])
    ]
    return " ".join(
        filter(
            None,
            (
                f"{line.setting.title}. {column.title} of {counted(len(points), 'method')} on the "
                f"{counted(line.row['n_test'], 'test sample')} that all have, with 95 % intervals, against the cost of "
                f"a prediction; {lead}.",
                f"Not measured: {'; '.join(unmeasured)}." if unmeasured else "",
                f"Stated by those who made the predictions, not measured here: costs of {listed(stated)}."
                if stated
                else "",
                f"Left out: {listed(left)}." if left else "",
            ),
        )
    )


def _draw(points: Sequence[Point], unit: str) -> Figure:
    figure = new_figure(figsize=(10.5, 3.3 + 0.1 * max(len(points) - 8, 0)), layout="constrained")
    axes = figure.subplots(1, len(COSTS), sharey=True)
    errors = [
        value for point in points for value in (point.row.score, *(point.row.interval or ())[:1]) if value is not None
    ]
    for ax, (label, cost) in zip(axes, COSTS.items(), strict=True):
        _draw_axis(ax, points, cost)
        ax.set_xlabel(label)
    axes[0].set_ylabel(points[0].row.columns.ranking.head(unit))
    if min(errors) > 0 and max(errors) > 8 * min(errors):
        axes[0].set_yscale("log")
        short_ticks(axes[0], "y")
    else:
        axes[0].set_ylim(bottom=0)
    handles = {point.name: _draw_point(axes[0], point, None) for point in points}
    labels = [wrap(name, 34, 2) for name in handles]
    figure.legend(list(handles.values()), labels, loc="outside right center", labelspacing=0.8)
    return figure


def _draw_axis(axes: Axes, points: Sequence[Point], cost: Callable[[Row], float | None]) -> None:
    values = [value for point in points if (value := cost(point.row)) is not None]
    positive = [value for value in values if value > 0]
    if not values:
        axes.set_xticks([])
        axes.text(0.5, 0.5, "not measured", color="0.4", ha="center", transform=axes.transAxes)
        return
    axes.set_xscale("log")
    # a measured zero is drawn a decade below the smallest value, with its own tick
    zero = min(positive, default=10.0) / 10
    low, high = min(positive, default=1.0), max(positive, default=1.0)
    axes.set_xlim((zero if 0 in values else low) / 3, high * 3)
    for point in points:
        value = cost(point.row)
        if value is not None:
            _draw_point(axes, point, value or zero)
    if 0 in values:
        axes.axvline(zero * 10**0.5, color="0.6", linewidth=0.8, linestyle=":")
    short_ticks(axes, "x")
    if 0 in values:
        ticks = [value for value in axes.get_xticks() if zero * 10**0.5 < value <= high * 3]
        axes.set_xticks([zero, *ticks], ["0", *map(tick, ticks)])
    axes.grid()


def _draw_point(axes: Axes, point: Point, value: float | None) -> Any:
    """Draw a method with its interval; without a value only its entry in the legend."""
    row = point.row
    if value is None:
        return axes.plot([], [], linestyle="", markersize=6, **point.look)[0]
    score, ends = row.score or 0.0, None
    if row.interval is not None:
        ends = [[score - row.interval[0]], [row.interval[1] - score]]
    return axes.errorbar([value], [score], yerr=ends, linestyle="", markersize=6, elinewidth=1, capsize=2, **point.look)
