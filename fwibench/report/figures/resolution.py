"""Resolution: errors of all methods by depth and by wavenumber.

Invariant: the methods of a figure share their samples, and the curves are those of `fwibench.metrics.resolution`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fwibench.boards.board import Line, by_setting
from fwibench.boards.rows import Setting
from fwibench.errors import DataError
from fwibench.metrics.resolution import (
    BANDS,
    Spectrum,
    band_limits,
    error_by_depth,
    error_by_wavenumber,
    third_rows,
    wavelength,
)
from fwibench.problem import Problem
from fwibench.report.canvas import new_figure
from fwibench.report.figures.drawing import Drawing, stem, title
from fwibench.report.figures.panels import choose
from fwibench.report.figures.style import MOST_METHODS, dash, listed, mark, number, plain, short_ticks, wrap
from fwibench.report.pictures import finite
from fwibench.report.representatives import names_of, one_per_method
from fwibench.report.sources import Sources
from fwibench.runs.artefacts.record import Record
from fwibench.text.readable import counted
from fwibench.typing import Array64, Maps

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

SAMPLES = 200
"""Most test samples, spread evenly, that curves are averages of."""
PER_KM = 1e3
"""Cycles per kilometre in a cycle per metre."""


@dataclass(frozen=True)
class Curves:
    """Errors of a method.

    Attributes:
        name: Name of the method.
        depth: Mean absolute error of each row, `(Z,)`.
        spectrum: Relative error by wavenumber.
    """

    name: str
    depth: Array64
    spectrum: Spectrum


def list_resolution(sources: Sources, lines: Sequence[Line]) -> list[Drawing]:
    """List a figure for each setting with stored predictions and a dataset on this machine."""
    made = (_list_setting(sources, setting, here) for setting, here in by_setting(lines).items())
    return [drawing for drawing in made if drawing is not None]


def _list_setting(sources: Sources, setting: Setting, lines: Sequence[Line]) -> Drawing | None:
    pairs = [(line, runs[0]) for line in lines if line.samples is not None and (runs := sources.runs_of(line.row))]
    order = sources.columns.ranking.order
    pairs = sorted(one_per_method(pairs), key=lambda pair: order(pair[0].row.score or 0.0))
    if not pairs or (dataset := sources.dataset(pairs[0][1].cell)) is None:
        return None
    ids = [line.samples.ids for line, _ in pairs if line.samples is not None]
    shown = choose(ids, (), SAMPLES)
    able = [pair for pair, own in zip(pairs, ids, strict=True) if set(shown) <= set(own)]
    truth = _truth(sources, able[0][1], shown) if shown and able else None
    if truth is None:
        return None
    problem = dataset.problem
    names = names_of([line for line, _ in able], [record for _, record in able])
    found = [
        Curves(name, error_by_depth(maps, truth), error_by_wavenumber(maps, truth, problem))
        for name, (_, record) in list(zip(names, able, strict=True))[:MOST_METHODS]
        if (maps := _maps(sources, record, shown)) is not None
    ]
    if not found:
        return None
    drawn = {one.name for one in found}
    left = [name for name in names if name not in drawn]
    left += [line.label for line, record in pairs if (line, record) not in able]
    return Drawing(
        name=stem("resolution", setting.dataset, setting.split, setting.profile, setting.track),
        kind="resolution",
        title=title("Errors by depth and by wavenumber", setting),
        caption=_caption(setting, problem, found, len(shown), left),
        setting=setting,
        draw=lambda: _draw(problem, found),
    )


def _truth(sources: Sources, record: Record, shown: Sequence[str]) -> Maps | None:
    test = sources.test(record)
    if test is None or not set(shown) <= set(test.ids):
        return None
    position = {sample: index for index, sample in enumerate(test.ids)}
    try:
        maps = test.properties[np.array([position[sample] for sample in shown])]
    except DataError as error:
        sources.add_fault(error.message)
        return None
    return finite(maps).astype(np.float32)


def _maps(sources: Sources, record: Record, shown: Sequence[str]) -> Maps | None:
    """A run's maps of the samples `(n, 1, Z, X)`; None, with a line in the faults, if they cannot be read."""
    predictions = sources.predictions(record)
    if predictions is None:
        return None
    position = {sample: index for index, sample in enumerate(predictions.ids)}
    if not set(shown) <= position.keys():
        sources.add_fault(f"{record.run_id}: its predictions are not those of the samples that it was scored on")
        return None
    return predictions.maps[[position[sample] for sample in shown]]


def _caption(setting: Setting, problem: Problem, found: Sequence[Curves], count: int, left: Sequence[str]) -> str:
    first, low, high = found[0], *band_limits(problem)
    length = wavelength(problem)
    of = "of the grid" if length is None else f"of a wavelength of {length:.4g} m"
    thirds = [number(float(part.mean())) for part in np.split(first.depth, third_rows(len(first.depth))[1:3])]
    more = f" Left out: {listed(left)}." if left else ""
    return (
        f"{setting.title}. Means over {counted(count, 'test sample')}, of the run of each method's first seed. Left: "
        f"mean absolute error of each row; dotted lines divide the depth into thirds. {plain(first.name)} has "
        f"{listed(thirds)} {problem.property.unit} from the upper to the lower third. Right: relative L2 error of all "
        f"samples together by radial wavenumber, 1 if the structures are missing; dotted lines at "
        f"{low * PER_KM:.3g} and {high * PER_KM:.3g} cycles per km divide the bands {listed(BANDS)} {of}.{more}"
    )


def _draw(problem: Problem, found: Sequence[Curves]) -> Figure:
    figure = new_figure(figsize=(7.2, 3.9), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(2, 3))
    spacing, rows = problem.grid.spacing / 1e3, problem.grid.nz
    for order, one in enumerate(found):
        style = {**mark(order), **dash(order), "linewidth": 1.3, "markersize": 4}
        left.plot(one.depth, spacing * np.arange(rows), markevery=_every(rows, order), **style)
        waves, errors = one.spectrum
        right.plot(PER_KM * waves, errors, label=wrap(one.name, 28, 2), markevery=_every(len(waves), order), **style)
    for row in third_rows(rows)[1:3]:
        left.axhline(spacing * (row - 0.5), color="0.4", linestyle=":", linewidth=1)
    left.set_ylim(spacing * (rows - 1), 0)
    left.set_xlim(left=0)
    left.set(xlabel=f"mean absolute error [{problem.property.unit}]", ylabel="depth [km]")
    left.grid()
    _finish_wavenumbers(right, problem)
    figure.legend(loc="outside lower center", ncols=min(len(found), 3))
    return figure


def _finish_wavenumbers(axes: Axes, problem: Problem) -> None:
    axes.axhline(1, color="0.4", linewidth=0.8)
    axes.margins(x=0.02)
    axes.set_xscale("log")
    lines = [line for line in axes.lines if len(np.atleast_1d(line.get_xdata())) > 2]
    values = np.concatenate([np.asarray(line.get_ydata(), np.float64) for line in lines]) if lines else np.ones(1)
    if values.min() > 0 and values.max() > 8 * values.min():
        axes.set_yscale("log")
        short_ticks(axes, "y")
    else:
        axes.set_ylim(bottom=0)
    ends = axes.get_xlim()
    limits = [PER_KM * limit for limit in band_limits(problem)]
    for limit in limits:
        axes.axvline(limit, color="0.4", linestyle=":", linewidth=1)
    for band, low, high in zip(BANDS, (ends[0], *limits), (*limits, ends[1]), strict=True):
        if low < high:
            axes.text((low * high) ** 0.5, 1.01, band, transform=axes.get_xaxis_transform(), ha="center", fontsize=7)
    axes.set_xlim(ends)
    short_ticks(axes, "x")
    axes.set(xlabel="wavenumber [cycles/km]", ylabel="relative L2 error")
    axes.grid()


def _every(points: int, order: int) -> tuple[int, int]:
    """First marker and distance of the markers of a curve: about seven, at other points than those of other curves."""
    step = max(points // 7, 1)
    return order % step, step
