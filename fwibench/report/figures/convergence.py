"""Course of an inversion: misfit over the iterations, and the error of the models of each band.

Invariant: the first run with a stored course is shown, with all of its samples, each band from its own first iteration
on; a mean covers all samples or is not drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Sized
from typing import TYPE_CHECKING, Any

import numpy as np

from fwibench.boards.board import Line, by_setting
from fwibench.boards.rows import Setting
from fwibench.errors import FwibenchError, RecordError
from fwibench.methods.traces import Step
from fwibench.report.canvas import new_figure
from fwibench.report.figures.drawing import Drawing, stem, title
from fwibench.report.figures.style import number, plain, short_ticks
from fwibench.report.representatives import first_with, names_of
from fwibench.report.sources import Sources
from fwibench.runs.artefacts.record import Record
from fwibench.runs.artefacts.traces import read_traces
from fwibench.runs.scoring.convergence import band_errors
from fwibench.text.readable import counted
from fwibench.typing import Array64

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Traces = Mapping[str, Sequence[Step]]
Errors = Mapping[str, Array64]
THIN: dict[str, Any] = {"color": "0.55", "linewidth": 0.6, "alpha": 0.7}
THICK: dict[str, Any] = {"color": "#0072B2", "linewidth": 1.3}


def list_convergence(sources: Sources, lines: Sequence[Line]) -> list[Drawing]:
    """List a figure for each inversion with a stored course."""
    drawings = []
    for setting, here in by_setting(lines).items():
        pairs, traces = first_with(sources, here, lambda record: _traces(sources, record))
        names = names_of([line for line, _ in pairs], [record for _, record in pairs])
        for name, (_, record) in zip(names, pairs, strict=True):
            drawings.append(_list_run(sources, setting, name, record, traces[record.run_id]))
    return drawings


def _list_run(sources: Sources, setting: Setting, name: str, record: Record, traces: Traces) -> Drawing:
    errors = _errors(sources, record)
    return Drawing(
        name=stem("convergence", *setting.words, name),
        kind="convergence",
        title=title(f"Convergence of {plain(name)}", setting),
        caption=(
            f"{setting.title}. {plain(name)}, seed {record.cell.seed}: misfit of "
            f"{counted(len(traces), 'test sample')} (thin) and their mean (thick) over the iterations, "
            f"band by band, {_describe_misfit(traces)}.{_describe_errors(errors, record.unit)}"
        ),
        setting=setting,
        draw=lambda: _draw(traces, errors, record.unit),
    )


def _describe_misfit(traces: Traces) -> str:
    """First and last mean misfit; no last one if samples ended in different bands, whose misfits do not compare."""
    first, last = (np.mean([steps[i].misfit for steps in traces.values()]) for i in (0, -1))
    same = len({steps[-1].band for steps in traces.values()}) == 1
    return f"from {number(float(first))}" + (f" to {number(float(last))}" if same else ", with different last bands")


def _describe_errors(errors: Errors, unit: str) -> str:
    """First and last mean error of all samples."""
    whole = [band for band, values in errors.items() if np.isfinite(values).all()]
    if not whole:
        return ""
    begin, end = (number(float(errors[band].mean())) for band in (whole[0], whole[-1]))
    last = list(errors)[-1]
    course = f" MAE of the models goes from {begin} to {end} {unit}"
    if last == whole[-1]:
        return f"{course}."
    reached = f"{int(np.isfinite(errors[last]).sum())} of {counted(len(errors[last]), 'sample')}"
    return f"{course} at the end of {plain(whole[-1])}; the end of {plain(last)} was reached by {reached}."


def _traces(sources: Sources, record: Record) -> Traces | None:
    try:
        return read_traces(sources.results.folder(record.cell))
    except RecordError as error:
        sources.add_fault(error.message)
        return None


def _errors(sources: Sources, record: Record) -> Errors:
    """Error of each sample's model at the end of each band; empty if models or truth cannot be read."""
    test = sources.test(record)
    if test is None:
        return {}
    try:
        return band_errors(sources.results.folder(record.cell), test)
    except FwibenchError as error:
        sources.add_fault(f"{record.run_id}: {error.message}")
        return {}


def _draw(traces: Traces, errors: Errors, unit: str) -> Figure:
    figure = new_figure(figsize=(8.5 if errors else 5.5, 3.1), layout="constrained")
    axes = figure.subplots(1, 1 + bool(errors), squeeze=False, width_ratios=[3, 2] if errors else None)[0]
    _draw_misfit(axes[0], traces)
    if errors:
        _draw_errors(axes[1], errors, unit)
    return figure


def _draw_misfit(axes: Axes, traces: Traces) -> None:
    start = 1
    for band in dict.fromkeys(step.band for steps in traces.values() for step in steps):
        curves = [[step.misfit for step in steps if step.band == band] for steps in traces.values()]
        for curve in filter(None, curves):
            axes.plot(range(start, start + len(curve)), curve, **_dotted(curve), **THIN)
        if shortest := min(map(len, curves)):
            mean = np.mean([curve[:shortest] for curve in curves], axis=0)
            axes.plot(range(start, start + shortest), mean, **_dotted(mean), **THICK)
        if start > 1:
            axes.axvline(start - 0.5, color="0.4", linewidth=0.8, linestyle=":")
        axes.annotate(
            plain(band), (start, 1), (2, 2), ("data", "axes fraction"), "offset points", fontsize=6.5, va="bottom"
        )
        # the next band starts, for all samples, after the longest curve of this one
        start += max(map(len, curves))
    if all(step.misfit > 0 for steps in traces.values() for step in steps):
        axes.set_yscale("log")
        short_ticks(axes, "y")
    axes.set(xlabel="iteration", ylabel="misfit, relative to the measurement")
    axes.grid(axis="y")


def _dotted(curve: Sized) -> dict[str, Any]:
    """A marker for a single iteration, which makes no line."""
    return {"marker": ".", "markersize": 4} if len(curve) == 1 else {}


def _draw_errors(axes: Axes, errors: Errors, unit: str) -> None:
    positions = np.arange(len(errors))
    table = np.stack(list(errors.values()))
    axes.plot(positions, table, **THIN)
    axes.plot(positions, table.mean(1), marker="o", markersize=4, **THICK)
    axes.set_xticks(positions, [plain(band) for band in errors], rotation=30 if len(errors) > 5 else 0)
    axes.set(xlabel="model at the end of the band", ylabel=f"MAE [{unit}]")
    axes.set_ylim(bottom=0)
    axes.grid(axis="y")
