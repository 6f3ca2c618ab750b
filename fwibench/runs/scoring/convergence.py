"""Convergence of an iterative run by frequency band, from the files of the run."""

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
    """Convergence within one band; means are over all samples, None unless all of them reached the band.

    Attributes:
        name: Name of the band; `start` is the start model.
        samples: Number of samples that reached the band.
        iterations: Total number of iterations of these samples.
        first: Mean misfit at the first iteration of the band.
        last: Mean misfit at the last iteration of the band.
        seconds: Mean time of a sample until the end of the band [s].
        mae: Mean absolute error of the models at the end of the band, in the property's unit; None if not requested.
    """

    name: str
    samples: int
    iterations: int
    first: float | None
    last: float | None
    seconds: float | None
    mae: float | None = None


def describe_convergence(record: Record, folder: Path, registry: Registry | None) -> list[Band]:
    """Return the convergence of a run, band by band.

    Args:
        record: Record of the run.
        folder: Folder of the run.
        registry: Registry to open the dataset and compare the models of each band with the truth; None skips that.

    Returns:
        The bands in their order, beginning with the start model; empty for a run that is not iterative.

    Raises:
        RecordError: The iterations or the models cannot be read.
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
    """Return the mean absolute error of each sample's model at the end of each band.

    Args:
        folder: Folder of the run.
        test: Samples that the run was scored on.

    Returns:
        Errors by band in the property's unit, `(n,)` each; NaN for samples without a model of that band.

    Raises:
        RecordError: The models cannot be read.
    """
    truth = test.properties[:]
    models = read_models(folder, truth.shape)
    return {name: np.abs(own - truth).mean(axis=(1, 2, 3), dtype=np.float64) for name, own in models.items()}


def _errors(record: Record, folder: Path, registry: Registry) -> dict[str, float]:
    """Return the mean error over the samples for each band that all of them completed."""
    test = scored_split(reopen_dataset(registry, record.cell), record.cell)
    errors = band_errors(folder, test)
    return {name: float(own.mean()) for name, own in errors.items() if np.isfinite(own).all()}
