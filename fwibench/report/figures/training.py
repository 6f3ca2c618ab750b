"""Training curves: loss on train and val over the epochs, of every method with a history.

Invariant: curves show what the records hold; losses of different methods are not comparable, so each has its own axes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from fwibench.boards.board import Line, by_setting
from fwibench.boards.rows import Setting
from fwibench.report.canvas import new_figure
from fwibench.report.figures.drawing import Drawing, stem, title
from fwibench.report.figures.style import listed, number, short_ticks, wrap
from fwibench.report.representatives import first_with, names_of
from fwibench.report.sources import Sources
from fwibench.runs.artefacts.record import Record
from fwibench.text.readable import counted
from fwibench.typing import Array64

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST = 8
"""Methods in a figure."""
COLUMNS = 4
CURVES: dict[str, tuple[str, dict[str, Any]]] = {
    "train_loss": ("train", {"color": "#D55E00", "linestyle": "--"}),
    "val_loss": ("val", {"color": "#0072B2", "linestyle": "-"}),
}
"""Entries of a history, with their labels and line styles."""


def list_training(sources: Sources, lines: Sequence[Line]) -> list[Drawing]:
    """List a figure for each setting that has methods with a history."""
    drawings = []
    for setting, here in by_setting(lines).items():
        pairs, _ = first_with(sources, here, curves_of)
        if not pairs:
            continue
        names = names_of([line for line, _ in pairs], [record for _, record in pairs])
        runs = {name: sources.runs_of(line.row) for name, (line, _) in zip(names, pairs, strict=True)}
        shown = dict(list(runs.items())[:MOST])
        drawings.append(
            Drawing(
                name=stem("training", *setting.words),
                kind="training",
                title=title("Training", setting),
                caption=_caption(setting, shown, names[MOST:]),
                setting=setting,
                draw=lambda shown=shown: _draw(shown),  # type: ignore[misc]
            )
        )
    return drawings


def curves_of(record: Record) -> dict[str, Array64]:
    """Return epochs and losses `(2, n)` of a run, by entry of its history."""
    found = {}
    for name in CURVES:
        points = [
            (entry.get("epoch", number), entry[name]) for number, entry in enumerate(record.history, 1) if name in entry
        ]
        if points:
            found[name] = np.array(points, float).T
    return found


def _caption(setting: Setting, runs: Mapping[str, Sequence[Record]], left: Sequence[str]) -> str:
    lowest = []
    for name, records in runs.items():
        losses = curves_of(records[0]).get("val_loss")
        if losses is not None and np.isfinite(losses[1]).any():
            best = int(np.nanargmin(losses[1]))
            lowest.append(f"{name} {number(losses[1, best])} in epoch {losses[0, best]:g}")
    found = f" Lowest on val, first seed: {listed(lowest, MOST)}." if lowest else ""
    more = f" Left out: {listed(left)}." if left else ""
    return (
        f"{setting.title}. Loss on train (dashed) and val (solid) over the epochs of {counted(len(runs), 'method')}; "
        f"thin lines are seeds, thick ones their mean.{found}{more}"
    )


def _draw(runs: Mapping[str, Sequence[Record]]) -> Figure:
    columns = min(len(runs), COLUMNS)
    rows = -(-len(runs) // columns)
    figure = new_figure(figsize=(max(2.5 * columns, 4.0) + 0.4, 2.1 * rows + 0.5), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for ax, (name, records) in zip(axes, runs.items(), strict=False):
        _draw_method(ax, [curves_of(record) for record in records])
        ax.set_title(wrap(name, 30, 2))
        ax.set_xlabel("epoch")
    for ax in axes[len(runs) :]:
        ax.set_axis_off()
    for ax in axes[::columns]:
        ax.set_ylabel("loss")
    axes[0].legend()
    return figure


def _draw_method(axes: Axes, seeds: Sequence[Mapping[str, Array64]]) -> None:
    from matplotlib.ticker import MaxNLocator

    positive = True
    for entry, (name, look) in CURVES.items():
        curves = [curves[entry] for curves in seeds if entry in curves]
        if not curves:
            continue
        positive &= all((curve[1] > 0).all() for curve in curves)
        shortest = min(curve.shape[1] for curve in curves)
        marker = "o" if shortest == 1 else ""
        if len(curves) > 1:
            for curve in curves:
                axes.plot(*curve, linewidth=0.6, alpha=0.6, marker=marker, markersize=2, **look)
        mean = np.mean([curve[:, :shortest] for curve in curves], axis=0)
        axes.plot(*mean, linewidth=1.6, marker=marker, markersize=4, label=name, **look)
    if positive:
        axes.set_yscale("log")
        short_ticks(axes, "y")
    axes.xaxis.set_major_locator(MaxNLocator(5, integer=True))
    axes.grid(axis="y")
