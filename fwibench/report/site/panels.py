"""Maps of an entry: predictions of some test samples, with truth and error where the samples are on this machine.

Invariant: nothing is prepared, and no map is changed but for thinning. The colours of maps are the bounds of
the problem; those of the values shown where the problem is not known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fwibench.boards.rows import Column
from fwibench.datasets.base import Dataset
from fwibench.errors import FwibenchError
from fwibench.plugins.registry import Registry
from fwibench.report.page.images import ERROR, PROPERTY, draw, step_of, stops
from fwibench.report.pictures import finite
from fwibench.report.site.entries import Entry
from fwibench.runs.artefacts.cell import Cell
from fwibench.runs.opening.datasets import reopen_dataset
from fwibench.samples import evenly_spaced
from fwibench.text.readable import show_number
from fwibench.typing import Array64

LARGE = 0.99
"""Quantile of the errors shown that has the last colour."""


class Datasets:
    """Datasets of cells, each opened once.

    Args:
        registry: Where they are looked up.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._found: dict[str, Dataset | None] = {}

    def find(self, cell: Cell) -> Dataset | None:
        """Return the dataset that a cell is scored on; None if the installed one is another, or there is none."""
        name = cell.scored_on.fingerprint
        if name not in self._found:
            try:
                self._found[name] = reopen_dataset(self._registry, cell)
            except FwibenchError:
                self._found[name] = None
        return self._found[name]


@dataclass(frozen=True)
class Scale:
    """Colours of maps.

    Attributes:
        name: What they show, with the unit.
        low: Value of the first colour.
        high: Value of the last colour.
        colours: From low to high.
    """

    name: str
    low: str
    high: str
    colours: Sequence[str]


@dataclass(frozen=True)
class Panel:
    """A test sample.

    Attributes:
        id: Its id.
        score: Its score by the ranking metric, with the unit.
        images: Data URIs of maps, by what they show: truth, prediction, error.
    """

    id: str
    score: str
    images: dict[str, str]


@dataclass(frozen=True)
class Panels:
    """Maps of an entry.

    Attributes:
        panels: From the best score to the worst.
        scales: Of the property, and of errors where there are some.
        shape: Width of a map over its height.
        note: What is not shown, and why; empty if everything is.
    """

    panels: Sequence[Panel]
    scales: Sequence[Scale]
    shape: float
    note: str


def make_panels(entry: Entry, dataset: Dataset | None, ranking: Column, most: int) -> Panels | None:
    """Draw test samples from the best score to the worst, evenly spaced.

    Args:
        entry: The entry.
        dataset: Dataset that it is scored on, see `Datasets.find`.
        ranking: Column of the metric that ranks.
        most: Number of samples, at most.

    Returns:
        The maps; None if no sample has a score.
    """
    values = entry.scores.values.get(ranking.metric)
    able = [] if values is None else np.flatnonzero(np.isfinite(values)).tolist()
    if values is None or not able:
        return None
    ordered = sorted(able, key=lambda number: ranking.order(float(values[number])))
    rows = [ordered[position] for position in evenly_spaced(len(ordered), most)]
    ids = [entry.scores.ids[row] for row in rows]
    maps = finite(entry.predictions()[rows, 0])
    truths, note = _truths(entry, dataset, ids, maps.shape)
    step = step_of(maps.shape[1:])
    maps = maps[:, ::step, ::step]
    low, high, name = float(maps.min()), float(maps.max()), "property"
    if dataset is not None:
        bounds = dataset.problem.property
        low, high, name = bounds.low, bounds.high, bounds.name
    # a colour scale has two ends
    high = high if high > low else low + 1.0
    unit = entry.record.unit
    images = [{"prediction": draw(one, low, high, PROPERTY)} for one in maps]
    scales = [Scale(_with_unit(name, unit), f"{low:.4g}", f"{high:.4g}", stops(PROPERTY))]
    if truths is not None:
        truths = truths[:, ::step, ::step]
        errors = maps - truths
        limit = float(np.quantile(np.abs(errors), LARGE)) or 1.0
        images = [
            {"truth": draw(truth, low, high, PROPERTY), **image, "error": draw(error, -limit, limit, ERROR)}
            for truth, image, error in zip(truths, images, errors, strict=True)
        ]
        size = show_number(limit, 3)
        scales.append(
            Scale(_with_unit("prediction less truth", unit), f"≤ \N{MINUS SIGN}{size}", f"≥ {size}", stops(ERROR))
        )
    texts = [f"{ranking.title} {show_number(values[row])} {ranking.unit(unit)}".strip() for row in rows]
    panels = [Panel(*one) for one in zip(ids, texts, images, strict=True)]
    return Panels(panels, scales, maps.shape[2] / maps.shape[1], note)


def _truths(
    entry: Entry, dataset: Dataset | None, ids: Sequence[str], shape: tuple[int, ...]
) -> tuple[Array64 | None, str]:
    """Return the true maps of samples `(n, Z, X)`; None with the reason if they are not here."""
    scored = entry.record.cell.scored_on
    alone = "so predictions are shown without truth and error"
    if dataset is None:
        return None, f"No dataset {scored.variant} with this fingerprint was installed here, {alone}."
    try:
        if not dataset.prepared():
            return None, f"The samples of {scored.variant} were not prepared here, {alone}."
        test = dataset.split(scored.split, "test")
        numbers = {sample: number for number, sample in enumerate(test.ids)}
        truths = [finite(test.properties[numbers[sample]][0]) for sample in ids]
    except (FwibenchError, KeyError):
        return None, f"The samples of {scored.variant} could not be read here, {alone}."
    if any(truth.shape != shape[1:] for truth in truths):
        return None, f"The maps have another shape than those of {scored.variant}, {alone}."
    return np.stack(truths), ""


def _with_unit(name: str, unit: str) -> str:
    return f"{name} [{unit}]" if unit else name
