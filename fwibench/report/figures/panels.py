"""Panels: truth and predictions, with the errors below (as figures 3 and 6 to 9 of the InvLINT paper).

Standard deviations of samples of the predictions follow where a method draws some.

Invariant: all maps of a figure share one colour scale, the problem's bounds, all error maps another one, and all
deviations a third one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from fwibench.boards.board import Line, by_setting
from fwibench.boards.rows import Column, Setting
from fwibench.errors import DataError, FwibenchError, RecordError
from fwibench.physics.illumination import has_illumination, illumination
from fwibench.problem import Problem
from fwibench.report.canvas import new_figure
from fwibench.report.figures.drawing import Drawing, stem, title
from fwibench.report.figures.style import listed, number, plain, wrap
from fwibench.report.pictures import COLOURS, SEEN, beyond, draw_limit, extent_of, finite, is_compact
from fwibench.report.representatives import names_of, one_per_method
from fwibench.report.sources import Sources
from fwibench.runs.artefacts.record import Record
from fwibench.samples import Split, evenly_spaced
from fwibench.text.readable import counted
from fwibench.typing import Array64, Maps

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST = 8
"""Methods in a figure."""
SAMPLES = 3
"""Test samples in a figure, unless some are selected."""
ERRORS = "magma_r"
"""Colours of error maps: no error is light, also in greyscale."""
DEVIATIONS = "viridis_r"
"""Colours of standard deviations: none is light, also in greyscale."""
SATURATED = 0.99
"""Quantile of the errors, and of the deviations, at the end of their scale."""

BAR: dict[str, Any] = {"shrink": 0.9, "aspect": 35, "fraction": 0.05, "pad": 0.01}


@dataclass(frozen=True)
class Panel:
    """A method's maps of the samples shown.

    Attributes:
        name: Name of the method.
        maps: Predictions `(n, Z, X)`.
        scores: Text above the map of each sample.
        deviations: Standard deviations `(n, Z, X)` of samples of the predictions; None without samples.
    """

    name: str
    maps: Maps
    scores: list[str]
    deviations: Maps | None = None


def list_panels(sources: Sources, lines: Sequence[Line], samples: Sequence[str] = ()) -> list[Drawing]:
    """List a figure for each setting with stored predictions and a dataset on this machine.

    Args:
        sources: The results.
        lines: Lines of the leaderboard.
        samples: Ids of the test samples to show; an empty list selects a few.
    """
    made = (_list_setting(sources, setting, here, samples) for setting, here in by_setting(lines).items())
    return [drawing for drawing in made if drawing is not None]


def choose(ids: Sequence[Sequence[str]], selected: Sequence[str], most: int) -> list[str]:
    """Return samples that as many methods as possible have, spread evenly.

    Args:
        ids: Samples of each method.
        selected: The only samples to choose; empty for any.
        most: How many, unless some are selected.
    """
    holders: dict[str, list[int]] = {}
    for method, own in enumerate(ids):
        for sample in own:
            holders.setdefault(sample, []).append(method)
    if selected:
        return [sample for sample in dict.fromkeys(selected) if sample in holders]
    largest = max(holders.values(), key=len, default=[])
    shared = [sample for sample, own in holders.items() if own == largest]
    positions = evenly_spaced(len(shared), most)
    return [shared[position] for position in positions]


def _list_setting(sources: Sources, setting: Setting, lines: Sequence[Line], selected: Sequence[str]) -> Drawing | None:
    pairs = [(line, runs[0]) for line in lines if line.samples is not None and (runs := sources.runs_of(line.row))]
    order = sources.columns.ranking.order
    pairs = sorted(one_per_method(pairs), key=lambda pair: order(pair[0].row.score or 0.0))
    if not pairs or (dataset := sources.dataset(pairs[0][1].cell)) is None:
        return None
    problem = dataset.problem
    ids = [line.samples.ids for line, _ in pairs if line.samples is not None]
    ratio = problem.grid.nz / problem.grid.nx
    shown = choose(ids, selected, SAMPLES if ratio < 1.5 else SAMPLES - 1)
    able = [pair for pair, own in zip(pairs, ids, strict=True) if set(shown) <= set(own)]
    if not shown or not able:
        return None
    truth = _truth(sources, sources.test(able[0][1]), shown)
    if truth is None:
        return None
    panels, left = _panels(sources, able, shown, truth.shape)
    if not panels:
        return None
    left += [line.label for line, record in pairs if (line, record) not in able]
    seen = _illumination(sources, problem)
    return Drawing(
        name=stem("panels", *setting.words),
        kind="panels",
        title=title("Truth, predictions and errors", setting),
        caption=_caption(setting, problem, panels, shown, left, limited=seen is not None),
        setting=setting,
        draw=lambda: _draw(problem, truth, panels, shown, seen),
    )


def _panels(
    sources: Sources, pairs: Sequence[tuple[Line, Record]], shown: Sequence[str], shape: tuple[int, ...]
) -> tuple[list[Panel], list[str]]:
    """Panels of the first methods that have the samples, and the names of the methods left out."""
    panels: list[Panel] = []
    left: list[str] = []
    names = names_of([line for line, _ in pairs], [record for _, record in pairs])
    for name, (_, record) in zip(names, pairs, strict=True):
        panel = _panel(sources, record, name, shown, shape) if len(panels) < MOST else None
        if panel is None:
            left.append(name)
        else:
            panels.append(panel)
    return panels, left


def _truth(sources: Sources, test: Split | None, shown: Sequence[str]) -> Array64 | None:
    if test is None or not set(shown) <= set(test.ids):
        return None
    try:
        return finite(test.properties[np.array([test.ids.index(sample) for sample in shown])][:, 0])
    except DataError as error:
        sources.add_fault(error.message)
        return None


def _panel(sources: Sources, record: Record, name: str, shown: Sequence[str], shape: tuple[int, ...]) -> Panel | None:
    """A run's maps of the samples; None, with a line in the faults, if they cannot be read."""
    predictions = sources.predictions(record)
    if predictions is None:
        return None
    if not set(shown) <= set(predictions.ids) or predictions.maps.shape[1:] != (1, *shape[1:]):
        sources.add_fault(f"{record.run_id}: its predictions are not those of the samples that it was scored on")
        return None
    chosen = [predictions.ids.index(sample) for sample in shown]
    samples = sources.samples(record, predictions)
    deviations = None if samples is None else samples.deviation(chosen)[:, 0]
    return Panel(name, predictions.maps[chosen, 0], _scores(sources, record, shown), deviations)


def _scores(sources: Sources, record: Record, shown: Sequence[str]) -> list[str]:
    columns = _columns(sources)
    try:
        scores = sources.results.scores(record, list(columns))
    except RecordError as error:
        sources.add_fault(f"{record.run_id}: {error.message}")
        return [""] * len(shown)
    if not set(shown) <= set(scores.ids):
        sources.add_fault(f"{record.run_id}: its scores are not those of the samples that are shown")
        return [""] * len(shown)
    texts = []
    for sample in shown:
        index = scores.ids.index(sample)
        found = {name: scores.values[name][index] for name in columns if name in scores.values}
        texts.append("  ".join(_score(columns[name], value) for name, value in found.items() if np.isfinite(value)))
    return texts


def _columns(sources: Sources) -> dict[str, Column]:
    """The metrics above a map: the one that ranks, and the first pure number among those shown everywhere."""
    columns = sources.columns
    pure = [one for one in columns.metrics.values() if len(one.shown) > 1 and one.dimensionless]
    return {column.metric: column for column in (columns.ranking, *pure[:1])}


def _score(column: Column, value: float) -> str:
    return f"{column.title} {f'{value:.3f}' if column.dimensionless else number(value)}"


def _caption(
    setting: Setting,
    problem: Problem,
    panels: Sequence[Panel],
    shown: Sequence[str],
    left: Sequence[str],
    *,
    limited: bool,
) -> str:
    bounds = problem.property
    limit = " Beyond the dashed line the illumination of the survey is low." if limited else ""
    first = panels[0]
    more = f" Left out: {listed(left)}." if left else ""
    spread = [panel.name for panel in panels if panel.deviations is not None]
    below = f"errors, and the standard deviation of the samples of {listed(spread, MOST)}" if spread else "errors"
    return (
        f"{setting.title}. {counted(len(shown), 'test sample')} ({listed(shown)}): {bounds.name} from {bounds.low:g} "
        f"to {bounds.high:g} {bounds.unit}, the problem's bounds, for the truth and "
        f"{listed([panel.name for panel in panels], MOST)}, each from the run of its first seed; below, absolute "
        f"{below}. On {plain(shown[0])} {plain(first.name)} has {first.scores[0] or 'no score'}.{limit}{more}"
    )


def _illumination(sources: Sources, problem: Problem) -> Maps | None:
    """Illumination of the survey `(Z, X)`; None if it is complete or cannot be computed."""
    if not has_illumination(problem):
        return None
    try:
        seen = illumination(problem)[0]
    except (FwibenchError, RuntimeError) as error:
        sources.add_fault(f"the illumination of the survey cannot be computed: {error}")
        return None
    return seen if seen.min() < SEEN < seen.max() else None


def _draw(
    problem: Problem, truth: Array64, panels: Sequence[Panel], shown: Sequence[str], seen: Maps | None = None
) -> Figure:

    bounds, columns, rows = problem.property, 1 + len(panels), len(shown)
    extent = extent_of(problem.grid)
    ratio = min(max(extent[2] / extent[1], 0.5), 2.0)
    wide = 1.45 if ratio > 0.8 else 1.7
    spread = [panel.deviations for panel in panels if panel.deviations is not None]
    blocks = 3 if spread else 2
    size = (columns * wide + 1.4, blocks * (rows * (0.92 * wide * ratio + 0.25) + 0.65))
    figure = new_figure(figsize=size, layout="constrained")
    axes: Any = figure.subplots(blocks * rows, columns, squeeze=False, sharex=True, sharey=True)
    maps, errors, deviations = axes[:rows], axes[rows : 2 * rows], axes[2 * rows :]
    wrong = [np.abs(panel.maps - truth) for panel in panels]
    limit = float(np.quantile(np.stack(wrong), SATURATED)) or 1.0
    scale = {"extent": extent, "aspect": "equal" if is_compact(problem.grid) else "auto"}
    for row, column in np.ndindex(rows, columns):
        ax, fault = maps[row, column], errors[row, column]
        values = panels[column - 1].maps[row] if column else truth[row]
        image = ax.imshow(values, cmap=COLOURS, vmin=bounds.low, vmax=bounds.high, **scale)
        if seen is not None:
            draw_limit(ax, seen, problem.grid)
        if column:
            _note(ax, panels[column - 1].scores[row])
            mist = fault.imshow(wrong[column - 1][row], cmap=ERRORS, vmin=0, vmax=limit, **scale)
        else:
            _note(ax, plain(shown[row]))
            fault.set_axis_off()
    for column, name in enumerate(["truth", *(panel.name for panel in panels)]):
        maps[0, column].set_title(wrap(name, int(wide * 13)), pad=13)
        if column:
            errors[0, column].set_title(wrap(name, int(wide * 13)))
    if spread:
        fog = image
        end = float(np.quantile(np.stack(spread), SATURATED)) or 1.0
        for row, column in np.ndindex(rows, columns):
            ax, panel = deviations[row, column], panels[column - 1] if column else None
            if panel is None or panel.deviations is None:
                ax.set_axis_off()
                continue
            fog = ax.imshow(panel.deviations[row], cmap=DEVIATIONS, vmin=0, vmax=end, **scale)
            if not row:
                ax.set_title(wrap(panel.name, int(wide * 13)))
        figure.colorbar(fog, ax=deviations, label=f"standard deviation [{bounds.unit}]", extend="max", **BAR)
    for block in (maps, errors, deviations)[:blocks]:
        _label(block)
    figure.colorbar(
        image,
        ax=maps,
        label=f"{bounds.name} [{bounds.unit}]",
        extend=beyond([panel.maps for panel in panels], problem),
        **BAR,
    )
    figure.colorbar(mist, ax=errors, label=f"absolute error [{bounds.unit}]", extend="max", **BAR)
    return figure


def _label(axes: Any) -> None:
    for ax in axes[-1]:
        ax.set_xlabel("x [km]")
        ax.tick_params(labelbottom=True)
    for row in axes:
        # the truth has neither errors nor deviations, and not every method has deviations
        first = next(ax for ax in row if ax.axison)
        first.set_ylabel("depth [km]")
        first.tick_params(labelleft=True)


def _note(axes: Axes, text: str) -> None:
    axes.annotate(text, (0.5, 1), (0, 2.5), "axes fraction", "offset points", ha="center", va="bottom", fontsize=6.5)
