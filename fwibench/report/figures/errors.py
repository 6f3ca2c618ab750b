"""Distribution of the score that ranks over the test samples, method by method.

Invariant: boxes and points are the scores of the board, mean over the seeds; methods of a figure share their samples.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fwibench.boards.board import Line
from fwibench.boards.rows import Column
from fwibench.report.canvas import new_figure
from fwibench.report.figures.drawing import Drawing, stem, title
from fwibench.report.figures.style import MOST_METHODS, listed, number, short_ticks, wrap
from fwibench.report.representatives import names_of
from fwibench.report.sources import Sources
from fwibench.text.readable import counted
from fwibench.typing import Array64

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def list_errors(sources: Sources, lines: Sequence[Line]) -> list[Drawing]:
    """List a figure for each group of the leaderboard whose samples have scores."""
    groups = [list(group) for _, group in groupby(lines, key=lambda line: line.row.group)]
    settings = [group[0].setting for group in groups]
    metric = sources.columns.ranking.metric
    drawings = []
    for setting, group in zip(settings, groups, strict=True):
        here = [line for line in group if line.samples is not None and metric in line.samples.values]
        if not here:
            continue
        if len({frozenset(line.samples.ids) for line in here if line.samples is not None}) > 1:
            sources.add_fault(f"{setting.title}: no figure of errors, methods were scored on different test samples")
            continue
        drawings.append(_list_group(sources, here, alone=settings.count(setting) == 1))
    return drawings


def _list_group(sources: Sources, lines: Sequence[Line], *, alone: bool) -> Drawing:
    runs = [sources.runs_of(line.row)[0] for line in lines]
    names, setting, column = names_of(lines, runs), lines[0].setting, sources.columns.ranking
    errors = [line.samples.over_seeds(column.metric) for line in lines if line.samples is not None]
    shown = list(zip(names, errors, strict=True))[:MOST_METHODS]
    n, unit = len(errors[0]), column.unit(runs[0].unit)
    # the same setting may have another figure of other samples
    more = "" if alone else f"n{n}"
    left = f" Left out: {listed(names[MOST_METHODS:])}." if names[MOST_METHODS:] else ""
    name, best = shown[0]
    return Drawing(
        name=stem("errors", *setting.words, more),
        kind="errors",
        title=title(f"Errors of {counted(n, 'test sample')}", setting),
        caption=(
            f"{setting.title}. {column.title} of each of {counted(n, 'test sample')}, mean over the seeds. Boxes span "
            f"the middle half, the line is the median, the diamond the mean; whiskers span the whole "
            f"range. {name}: median {number(float(np.median(best)))} {unit}, "
            f"from {number(float(best.min()))} to {number(float(best.max()))}.{left}"
        ),
        setting=setting,
        draw=lambda: _draw(shown, column, runs[0].unit),
    )


def _draw(shown: Sequence[tuple[str, Array64]], column: Column, unit: str) -> Figure:
    figure = new_figure(figsize=(7, 0.42 * len(shown) + 1.2), layout="constrained")
    axes = figure.subplots()
    errors = [one[np.isfinite(one)] for _, one in shown]
    positions = list(range(len(shown), 0, -1))
    axes.boxplot(
        errors,
        positions=positions,
        orientation="horizontal",
        widths=0.6,
        whis=(0, 100),
        showfliers=False,
        showmeans=True,
        medianprops={"color": "black", "linewidth": 1.6},
        meanprops={"marker": "D", "markerfacecolor": "white", "markeredgecolor": "black", "markersize": 5},
        boxprops={"color": "0.35"},
        whiskerprops={"color": "0.35"},
        capprops={"color": "0.35"},
    )
    for position, one in zip(positions, errors, strict=True):
        axes.plot(one, position + _scatter(len(one)), "o", color="#0072B2", markersize=3, alpha=0.45, markeredgewidth=0)
    axes.set_yticks(positions, [wrap(name, 34, 2) for name, _ in shown])
    axes.set_xlabel(f"{column.title} of a test sample{f' [{own}]' if (own := column.unit(unit)) else ''}")
    every = np.concatenate(errors)
    if every.min() > 0 and every.max() > 8 * every.min():
        axes.set_xscale("log")
        short_ticks(axes, "x")
    axes.grid(axis="x")
    return figure


def _scatter(n: int) -> NDArray[np.floating[Any]]:
    """Reproducible vertical offsets that separate points: golden ratio steps."""
    return (np.arange(n) * 0.618034 % 1 - 0.5) * 0.4
