"""Figures of studies: bars with intervals, curves, and a matrix.

Invariant: a published number is drawn hollow, and nothing is drawn where nothing was measured.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from fwibench.boards.rows import Setting
from fwibench.plugins.registry import Registry
from fwibench.report.canvas import new_figure
from fwibench.report.figures.drawing import Drawing, stem
from fwibench.report.figures.kinds import list_drawings
from fwibench.report.figures.style import dash, mark, number, plain, short_ticks, wrap
from fwibench.report.pictures import COLOURS
from fwibench.report.sources import Sources
from fwibench.runs.artefacts.results import Results
from fwibench.specs.study import Quantity
from fwibench.studies.results import CaseResult, StudyResults, Value
from fwibench.studies.tables import head_of, published_rows
from fwibench.typing import Array64

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.colors import Normalize
    from matplotlib.figure import Figure

RATIO = 10.0
"""Ratio of the largest and the smallest value of a matrix beyond which its colours are logarithmic."""


def study_drawings(study: StudyResults, results: Results, registry: Registry) -> list[Drawing]:
    """Return the figures of a study: one of its own kind, or those of a kind of `fwibench figures`.

    Args:
        study: The results of the study.
        results: The results folder.
        registry: Registry of datasets and metrics.

    Returns:
        The figures; none if nothing was measured.

    Raises:
        UnknownNameError: There is no such kind.
    """
    spec = study.plan.study
    if not spec.figure or not study.records:
        return []
    if spec.figure in OWN:
        draw = OWN[spec.figure]
        caption = f"{spec.title}: {head_of(study, spec.quantities[0])}."
        if spec.figure in ("bars", "curves"):
            hollow = "; hollow marks are published" if spec.published and spec.figure == "bars" else ""
            caption += f" Lines are 95 % intervals{hollow}."
        blank = Setting(*[""] * len(Setting._fields))
        return [Drawing(stem(spec.name), spec.figure, spec.title, caption, blank, lambda: draw(study))]
    return list_drawings(Sources(results, study.records, registry), [spec.figure])


def _bars(study: StudyResults) -> Figure:
    """A mark for each row with its interval, block beside block."""
    quantity = study.plan.study.quantities[0]
    blocks = _drawn(study, quantity)
    most = max(len(study.rows(block)) for block in blocks)
    figure = new_figure(figsize=(min(2.2 + 2.3 * len(blocks), 12), 1.2 + 0.28 * most), layout="constrained")
    every: Any = figure.subplots(1, len(blocks), squeeze=False, sharey=len({tuple(study.rows(b)) for b in blocks}) == 1)
    for axes, block in zip(every[0], blocks, strict=True):
        rows = study.rows(block)
        printed = published_rows(study, block)
        for height, row in enumerate(rows):
            for case in _cases(study, block, row):
                _interval(axes, case.value(quantity), -height, mark(0))
            if (row, quantity.key) in printed:
                theirs = printed[row, quantity.key].value
                axes.plot(theirs, -height, marker="D", markersize=5, markerfacecolor="none", color="0.4", linestyle="")
        axes.set_yticks([-height for height in range(len(rows))], [wrap(row, 34, 2) for row in rows])
        axes.set(title=plain(block), xlabel=head_of(study, quantity, block))
        axes.margins(x=0.12)
        axes.set_ylim(0.6 - len(rows), 0.6)
        axes.locator_params(axis="x", nbins=4)
        axes.grid(axis="x")
    return figure


def _interval(axes: Axes, value: Value, height: float, looks: dict[str, Any]) -> None:
    if value.mean is None:
        return
    axes.plot(value.mean, height, markersize=5, linestyle="", **looks)
    if value.ends is not None:
        axes.plot(value.ends, (height, height), color=looks["color"], linewidth=1)


def _curves(study: StudyResults) -> Figure:
    """The first quantity of each row over the position of its cases, block beside block."""
    spec = study.plan.study
    quantity = spec.quantities[0]
    blocks = _drawn(study, quantity)
    across = min(len(blocks), 3)
    down = -(-len(blocks) // across)
    figure = new_figure(figsize=(max(3.1 * across, 4.8), 2.9 * down), layout="constrained")
    every: Any = figure.subplots(down, across, squeeze=False)
    for axes, block in zip(every.flat, blocks, strict=False):
        for order, row in enumerate(study.rows(block)):
            known = [
                (case.case.x, case.value(quantity)) for case in _cases(study, block, row) if case.case.x is not None
            ]
            known = sorted((pair for pair in known if pair[1].mean is not None), key=lambda pair: pair[0] or 0.0)
            x = [position for position, _ in known]
            looks = {**dash(order), "marker": mark(order)["marker"], "markersize": 3.5}
            axes.plot(x, [value.mean for _, value in known], linewidth=1.3, label=wrap(row, 30, 2), **looks)
            if all(value.ends for _, value in known) and known:
                low, high = zip(*(value.ends for _, value in known if value.ends), strict=True)
                axes.fill_between(x, low, high, color=looks["color"], alpha=0.12, linewidth=0)
        if spec.logarithmic:
            axes.set_xscale("log")
            axes.set_yscale("log")
            short_ticks(axes, "xy")
        axes.set(title=plain(block), xlabel=spec.x_label, ylabel=head_of(study, quantity, block))
        axes.grid()
    for axes in list(every.flat)[len(blocks) :]:
        axes.set_axis_off()
    every.flat[0].legend()
    return figure


def _matrix(study: StudyResults) -> Figure:
    """The first quantity as a heat map of rows and columns, block below block."""
    from matplotlib.colors import LogNorm

    quantity = study.plan.study.quantities[0]
    blocks = _drawn(study, quantity)
    columns = list(dict.fromkeys(column for _, _, column in study.cases))
    most = max(len(study.rows(block)) for block in blocks)
    size = (2.4 + 0.62 * len(columns), len(blocks) * (1.5 + 0.42 * most))
    figure = new_figure(figsize=size, layout="constrained")
    every: Any = figure.subplots(len(blocks), 1, squeeze=False)
    for axes, block in zip(every[:, 0], blocks, strict=True):
        rows = study.rows(block)
        found = [[study.cases.get((block, row, column)) for column in columns] for row in rows]
        means = [[case.value(quantity).mean if case else None for case in line] for line in found]
        values = np.array([[np.nan if mean is None else mean for mean in line] for line in means])
        image = axes.imshow(values, cmap=COLOURS, aspect="auto", norm=_colour_scale(values))
        for (down, across), value in np.ndenumerate(values):
            if np.isfinite(value):
                colour = "white" if image.norm(value) < 0.5 else "black"
                axes.text(across, down, number(value), ha="center", va="center", fontsize=6.5, color=colour)
        axes.set_xticks(range(len(columns)), [wrap(one, 14, 2) for one in columns], rotation=45, ha="right")
        axes.set_yticks(range(len(rows)), [wrap(row, 24, 2) for row in rows])
        axes.set_title(plain(block))
        bar = figure.colorbar(image, ax=axes, label=head_of(study, quantity, block))
        if isinstance(image.norm, LogNorm):
            short_ticks(bar.ax, "y")
    return figure


def _colour_scale(values: Array64) -> Normalize:
    """Return a linear scale, or a logarithmic one where the largest value would leave all others one colour."""
    from matplotlib.colors import LogNorm, Normalize

    finite = values[np.isfinite(values)]
    if not len(finite):
        return Normalize(0, 1)
    low, high = float(finite.min()), float(finite.max())
    return LogNorm(low, high) if 0 < RATIO * low < high else Normalize(low, high)


def _scatter(study: StudyResults) -> Figure:
    """Each measured quantity over the last one, a mark for each row of each block; dotted: proportional to it."""
    quantities = study.plan.study.quantities
    across, measured = quantities[-1], [one for one in quantities if not one.exact] or [quantities[0]]
    rows = list(dict.fromkeys(row for _, row, _ in study.cases))
    figure = new_figure(figsize=(2.6 + 4.0 * len(measured), 3.4), layout="constrained")
    every: Any = figure.subplots(1, len(measured), squeeze=False)
    named: dict[str, Any] = {}
    for axes, quantity in zip(every[0], measured, strict=True):
        places: list[tuple[float, float]] = []
        for order, block in enumerate(_drawn(study, quantity)):
            for case in (one for place, one in study.cases.items() if place[0] == block):
                value, position = case.value(quantity), case.value(across).mean
                if not position or not value.mean:
                    continue
                looks = mark(rows.index(case.case.row))
                filled = {} if not order else {"markerfacecolor": "white"}
                (named[wrap(case.case.row, 30, 2)],) = axes.plot(
                    position, value.mean, markersize=5.5, linestyle="", **looks, **filled
                )
                if value.ends is not None:
                    axes.plot((position, position), value.ends, color=looks["color"], linewidth=1, zorder=1)
                places.append((position, value.mean))
        if places:
            ends = [min(places)[0], max(places)[0]]
            ratio = float(np.median([height / position for position, height in places]))
            axes.plot(ends, [ratio * end for end in ends], color="0.5", linestyle=":", linewidth=1)
        axes.set_xscale("log")
        axes.set_yscale("log")
        short_ticks(axes, "xy")
        axes.set(xlabel=head_of(study, across), ylabel=head_of(study, quantity))
        axes.grid()
    blocks = _drawn(study, measured[0])
    every[0][0].set_title(plain(", ".join([f"filled: {blocks[0]}", *(f"hollow: {one}" for one in blocks[1:])])))
    figure.legend(named.values(), named, loc="outside right upper")
    return figure


OWN: dict[str, Callable[[StudyResults], Figure]] = {
    "bars": _bars,
    "curves": _curves,
    "matrix": _matrix,
    "scatter": _scatter,
}
"""Kinds of figures that only studies have."""


def _drawn(study: StudyResults, quantity: Quantity) -> list[str]:
    """Blocks in which the quantity was measured; all blocks if it was measured nowhere."""
    measured = [place[0] for place, case in study.cases.items() if case.value(quantity).mean is not None]
    return list(dict.fromkeys(measured)) or study.blocks


def _cases(study: StudyResults, block: str, row: str) -> list[CaseResult]:
    return [case for (own, name, _), case in study.cases.items() if (own, name) == (block, row)]
