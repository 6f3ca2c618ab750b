"""Spectra that methods report, such as singular values (as figure 5 of the InvLINT paper, those of its A).

Invariant: each spectrum is divided by its largest value, so that datasets can be compared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fwibench.boards.board import Line
from fwibench.boards.rows import Setting
from fwibench.errors import DataError
from fwibench.report.canvas import new_figure
from fwibench.report.figures.drawing import Drawing, stem
from fwibench.report.figures.style import MOST_METHODS, dash, listed, plain, short_ticks, wrap
from fwibench.report.representatives import first_with
from fwibench.report.sources import Sources
from fwibench.runs.artefacts.record import Record
from fwibench.runs.artefacts.spectra import read_spectra
from fwibench.text.readable import counted
from fwibench.typing import Array64

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FLOOR = 1e-8
"""Fraction of the largest value below which nothing is drawn, as it is rounding error."""
SMALL = 1e-2
"""Fraction of the largest value above which the caption counts values."""


@dataclass(frozen=True)
class Curve:
    """A spectrum of a method in a setting.

    Attributes:
        setting: Dataset, source, split, track and profile.
        method: The method.
        values: Divided by the largest, `(n,)`.
    """

    setting: Setting
    method: str
    values: Array64


def list_spectrum(sources: Sources, lines: Sequence[Line]) -> list[Drawing]:
    """List a figure for each named spectrum of a method, with a line for each setting in which it was run."""
    found: dict[tuple[str, str], list[Curve]] = {}
    pairs, spectra = first_with(sources, lines, lambda record: _spectra(sources, record))
    for line, record in pairs:
        for name, values in spectra[record.run_id].items():
            curve = Curve(line.setting, line.label, values / values.max())
            found.setdefault((line.row["method"], name), []).append(curve)
    return [_list_one(method, name, curves) for (method, name), curves in found.items()]


def _spectra(sources: Sources, record: Record) -> dict[str, Array64]:
    try:
        return read_spectra(sources.results.folder(record.cell))
    except DataError as error:
        sources.add_fault(f"{record.run_id}: {error.message}")
        return {}


def _list_one(method: str, name: str, curves: Sequence[Curve]) -> Drawing:
    shown = curves[:MOST_METHODS]
    labels = _labels(shown)
    parts = [{one.setting[part] for one in shown} for part in range(len(Setting._fields))]
    setting = Setting(*(values.pop() if len(values) == 1 else "" for values in parts))
    counts = [
        f"{np.sum(one.values >= SMALL)} of {len(one.values)} ({label})"
        for one, label in zip(shown, labels, strict=True)
    ]
    more = f" Left out: {len(curves) - len(shown)} more." if len(curves) > len(shown) else ""
    return Drawing(
        name=stem("spectrum", method, name),
        kind="spectrum",
        title=plain(f"{method}: {name}", 120),
        caption=(
            f"{plain(name)} of {plain(method)} in {counted(len(shown), 'setting')}, in order, of the first seed that "
            f"has one, each divided by its largest value. Above {SMALL:.0%} of it are {listed(counts)}. Values "
            f"below {FLOOR:g} of it are not drawn.{more}"
        ),
        setting=setting,
        draw=lambda: _draw(shown, labels),
    )


def _labels(curves: Sequence[Curve]) -> list[str]:
    """Labels of the curves: the dataset, and the parts of the setting in which they differ."""
    numbers = range(1, len(Setting._fields))
    differing = [number for number in numbers if len({one.setting[number] for one in curves}) > 1]
    several = len({one.method for one in curves}) > 1
    words = [one.setting._replace(budget_s=one.setting.budget) for one in curves]
    return [
        ", ".join(filter(None, [said.dataset, *(said[part] for part in differing), one.method if several else ""]))
        for one, said in zip(curves, words, strict=True)
    ]


def _draw(curves: Sequence[Curve], labels: Sequence[str]) -> Figure:
    figure = new_figure(figsize=(6.5, 3.4), layout="constrained")
    axes = figure.subplots()
    for number, (curve, label) in enumerate(zip(curves, labels, strict=True)):
        order = np.arange(1, len(curve.values) + 1)
        axes.plot(order, curve.values, linewidth=1.5, label=wrap(label, 40, 2), **dash(number))
    axes.set_yscale("log")
    axes.set_ylim(bottom=max(FLOOR, 0.5 * min(curve.values[curve.values > 0].min() for curve in curves)))
    axes.set_xlim(0, 1.05 * max(int(np.sum(curve.values >= FLOOR)) for curve in curves))
    short_ticks(axes, "y")
    axes.set(xlabel="number, in order", ylabel="value / largest")
    axes.grid()
    axes.legend()
    return figure
