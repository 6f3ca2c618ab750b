"""The course of an iterative run, band by band, from what it left behind."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np

from fwibench.methods.traces import read_traces
from fwibench.plugins.registry import Registry
from fwibench.runs.plan import reopen_dataset, scored_split
from fwibench.runs.record import Record


@dataclass(frozen=True)
class Band:
    """Means over the samples of a run.

    Attributes:
        name: Of the band; `start` is the start model.
        iterations: Of all samples.
        first: Misfit at the band's first iteration.
        last: Misfit at its last.
        seconds: Spent on a sample until the band's end.
        mae: Of the models at its end, in the property's unit; None if it was not asked for.
    """

    name: str
    iterations: int
    first: float | None
    last: float | None
    seconds: float
    mae: float | None = None


def describe_convergence(record: Record, folder: Path, registry: Registry | None) -> list[Band]:
    """Bands in their order; empty for a run that is not iterative.

    Args:
        record: Of the run.
        folder: Of the run.
        registry: To open the dataset and compare the models of each band with the truth; None not to.
    """
    traces = read_traces(folder)
    if not traces:
        return []
    errors = {} if registry is None else _errors(record, folder, registry)
    bands = [Band("start", 0, None, None, 0.0, errors.get("start"))]
    for name in dict.fromkeys(step.band for steps in traces.values() for step in steps):
        own = [[step for step in steps if step.band == name] for steps in traces.values()]
        own = [steps for steps in own if steps]
        bands.append(
            Band(
                name,
                sum(map(len, own)),
                fmean(steps[0].misfit for steps in own),
                fmean(steps[-1].misfit for steps in own),
                fmean(steps[-1].seconds for steps in own),
                errors.get(name),
            )
        )
    return bands


def _errors(record: Record, folder: Path, registry: Registry) -> dict[str, float]:
    """Mean absolute error of the models of each band."""
    truth = scored_split(reopen_dataset(registry, record.cell), record.cell).properties[:]
    with np.load(folder / "models.npz") as stored:
        return {name: float(np.nanmean(np.abs(stored[name] - truth))) for name in stored.files if name != "ids"}
