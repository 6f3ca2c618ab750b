"""Course of an inversion: misfit over the iterations, and the error of the models of each band.

Invariant: the run of the first seed is shown, all of its samples; a mean is of all samples or not drawn.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fwibench.leaderboard.board import Line, by_place, name_of
from fwibench.methods.traces import Step, read_traces
from fwibench.report.figures.drawing import Drawing, place_of, stem, title
from fwibench.report.figures.style import counted, names_of, number, once, plain, short_ticks
from fwibench.report.material import Material
from fwibench.runs.convergence import band_errors
from fwibench.runs.record import Record

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Traces = Mapping[str, Sequence[Step]]
Errors = Mapping[str, NDArray[np.float64]]
THIN: dict[str, Any] = {"color": "0.55", "linewidth": 0.6, "alpha": 0.7}
THICK: dict[str, Any] = {"color": "#0072B2", "linewidth": 1.3}


def list_convergence(material: Material, lines: Sequence[Line]) -> list[Drawing]:
    """A figure for each inversion that left its course behind."""
    drawings = []
    for place, here in by_place(lines).items():
        pairs = once((line, record) for line in here for record in material.runs_of(line.row)[:1])
        names = names_of([line for line, _ in pairs], [record for _, record in pairs])
        for name, (_, record) in zip(names, pairs, strict=True):
            if traces := _traces(material, record):
                drawings.append(_list_run(material, place, name, record, traces))
    return drawings


def _list_run(material: Material, place: tuple[str, ...], name: str, record: Record, traces: Traces) -> Drawing:
    where, errors = place_of(place), _errors(material, record)
    first, last = (np.mean([steps[i].misfit for steps in traces.values()]) for i in (0, -1))
    course = ""
    if errors:
        begin, end = (float(np.nanmean(errors[band])) for band in (next(iter(errors)), list(errors)[-1]))
        course = f" MAE of the models goes from {number(begin)} to {number(end)} {record.unit}."
    return Drawing(
        name=stem("convergence", where["dataset"], where["split"], where["profile"], where["track"], name),
        kind="convergence",
        title=title(f"Convergence of {plain(name)}", where),
        caption=(
            f"{name_of(place)}. {plain(name)}, seed {record.cell.seed}: misfit of "
            f"{counted(len(traces), 'test sample')} (thin) and their mean (thick) over the iterations, "
            f"band by band, from {number(float(first))} to {number(float(last))}.{course}"
        ),
        place=where,
        draw=lambda: _draw(traces, errors, record.unit),
    )


def _traces(material: Material, record: Record) -> Traces | None:
    try:
        return read_traces(material.results.folder(record.cell))
    except (OSError, ValueError, KeyError, TypeError) as error:
        material.tell(f"{record.run_id}: its traces cannot be read: {error}")
        return None


def _errors(material: Material, record: Record) -> Errors:
    """Error of each sample's model at the end of each band; empty where models or truth are not to be had."""
    test = material.test(record)
    if test is None:
        return {}
    try:
        return band_errors(material.results.folder(record.cell), test)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        material.tell(f"{record.run_id}: the models of its bands cannot be read: {error}")
        return {}


def _draw(traces: Traces, errors: Errors, unit: str) -> Figure:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.5 if errors else 5.5, 3.1), layout="constrained")
    axes = figure.subplots(1, 1 + bool(errors), squeeze=False, width_ratios=[3, 2] if errors else None)[0]
    _draw_misfit(axes[0], traces)
    if errors:
        _draw_errors(axes[1], errors, unit)
    return figure


def _draw_misfit(axes: Axes, traces: Traces) -> None:
    curves = [[step.misfit for step in steps] for steps in traces.values()]
    for steps in traces.values():
        axes.plot([step.iteration for step in steps], [step.misfit for step in steps], **THIN)
    shortest = min(map(len, curves))
    mean = np.mean([curve[:shortest] for curve in curves], axis=0)
    first = next(iter(traces.values()))
    axes.plot([step.iteration for step in first[:shortest]], mean, label="mean", **THICK)
    if min(map(min, curves)) > 0:
        axes.set_yscale("log")
        short_ticks(axes, "y")
    bands: dict[str, int] = {}
    for step in sorted((step for steps in traces.values() for step in steps), key=lambda step: step.iteration):
        bands.setdefault(step.band, step.iteration)
    for place, (band, start) in enumerate(bands.items()):
        if place:
            axes.axvline(start - 0.5, color="0.4", linewidth=0.8, linestyle=":")
        axes.annotate(
            plain(band), (start, 1), (2, 2), ("data", "axes fraction"), "offset points", fontsize=6.5, va="bottom"
        )
    axes.set(xlabel="iteration", ylabel="misfit, relative to the measurement")
    axes.grid(axis="y")


def _draw_errors(axes: Axes, errors: Errors, unit: str) -> None:
    places = np.arange(len(errors))
    table = np.stack(list(errors.values()))
    axes.plot(places, table, **THIN)
    axes.plot(places, table.mean(1), marker="o", markersize=4, **THICK)
    axes.set_xticks(places, [plain(band) for band in errors], rotation=30 if len(errors) > 5 else 0)
    axes.set(xlabel="model at the end of the band", ylabel=f"MAE [{unit}]")
    axes.set_ylim(bottom=0)
    axes.grid(axis="y")
