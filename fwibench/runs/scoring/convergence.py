"""The course of an iterative run, band by band, from what it left behind."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np

from fwibench.plugins.registry import Registry
from fwibench.runs.artefacts.record import Record
from fwibench.runs.artefacts.traces import read_models, read_traces
from fwibench.runs.opening.datasets import reopen_dataset, scored_split
from fwibench.samples import Split
from fwibench.typing import Array64


@dataclass(frozen=True)
class Band:
    """Means over all samples of a run; None where not all of them came there.

    Attributes:
        name: Of the band; `start` is the start model.
        samples: That came to the band.
        iterations: Of all of these.
        first: Misfit at the band's first iteration.
        last: Misfit at its last.
        seconds: Spent on a sample until the band's end.
        mae: Of the models at its end, in the property's unit; None also if it was not asked for.
    """

    name: str
    samples: int
    iterations: int
    first: float | None
    last: float | None
    seconds: float | None
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
    bands = [Band("start", len(traces), 0, None, None, 0.0, errors.get("start"))]
    for name in dict.fromkeys(step.band for steps in traces.values() for step in steps):
        own = [[step for step in steps if step.band == name] for steps in traces.values()]
        first = last = seconds = None
        if all(own):
            first, last = (fmean(steps[i].misfit for steps in own) for i in (0, -1))
            seconds = fmean(steps[-1].seconds for steps in own)
        bands.append(Band(name, sum(map(bool, own)), sum(map(len, own)), first, last, seconds, errors.get(name)))
    return bands


def band_errors(folder: Path, test: Split) -> dict[str, Array64]:
    """Mean absolute error of each sample's model at the end of each band, NaN where it has none.

    Args:
        folder: Of the run.
        test: The samples it was scored on.

    Raises:
        RecordError: The models cannot be read.
    """
    truth = test.properties[:]
    models = read_models(folder, truth.shape)
    return {name: np.abs(own - truth).mean(axis=(1, 2, 3), dtype=np.float64) for name, own in models.items()}


def _errors(record: Record, folder: Path, registry: Registry) -> dict[str, float]:
    """Mean over the samples, of each band that all of them finished."""
    test = scored_split(reopen_dataset(registry, record.cell), record.cell)
    errors = band_errors(folder, test)
    return {name: float(own.mean()) for name, own in errors.items() if np.isfinite(own).all()}
