"""A finished run's model on new measurements.

Invariant: the run is read, never changed; measurements that cannot be those of its problem are refused before
the method sees them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwibench.errors import DataError, FwibenchError, MethodError, UsageError
from fwibench.files.atomic import atomic_write
from fwibench.methods.base import check_prediction
from fwibench.methods.context import RunContext
from fwibench.plugins.isolation import blaming
from fwibench.plugins.registry import Registry
from fwibench.problem import Problem
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.record import Record, read_record
from fwibench.runs.artefacts.results import Results
from fwibench.runs.machine.devices import choose_device, select_device
from fwibench.runs.opening.datasets import build_dataset
from fwibench.runs.opening.methods import load_fitted
from fwibench.runs.prediction.measurements import Incoming, inspect_values, read_measurements, take_measurements
from fwibench.typing import Maps

Report = Callable[[dict[str, float]], None]
OUTSIDE = 0.25
"""Share of all nodes beyond the property's bounds that is still no reason to warn."""


@dataclass(frozen=True)
class Task:
    """A finished run and measurements that fit its problem.

    Attributes:
        warnings: What is doubtful about either, a line each.
    """

    folder: Path
    record: Record
    problem: Problem
    measurements: Incoming
    warnings: tuple[str, ...]


def make_task(folder: Path, measurements: Path | NDArray[Any], registry: Registry) -> Task:
    """Read a run and the measurements, and check all that can be checked without the method.

    Args:
        folder: Folder of the run.
        measurements: A file, see `read_measurements`, or an array, see `take_measurements`.
        registry: Where method and dataset are looked up.

    Raises:
        UsageError: The run cannot predict: it failed, or needs the truth.
        DataError: A file is not there or cannot be read.
        ProblemError: The measurements do not fit the run's problem.
        FwibenchError: The dataset is another one than that of the run.
    """
    record = read_record(RunFiles(folder).record)
    cell, spec = record.cell, registry.method(record.cell.method).spec
    if record.status != "ok":
        raise UsageError(
            f"{record.run_id} is {record.status} and has no model: {record.reason}", "choose a finished run"
        )
    if "oracle-start" in (record.track, spec.track):
        raise UsageError(
            f"{cell.method} starts from the truth (track oracle-start), which new measurements do not have",
            "choose a run of the track standard",
        )
    if cell.base and (lacking := Results(folder.parent.parent).lacking(cell.base)):
        raise DataError(f"{record.run_id} {lacking}", "fwibench merge joins the folders that hold both")
    problem, missing, warnings = _problem(record, registry)
    if spec.version != cell.method_version:
        warnings.append(f"the model was made by {cell.method} {cell.method_version}, this is {spec.version}")
    if isinstance(measurements, Path):
        incoming = read_measurements(measurements, problem)
    else:
        incoming = take_measurements(measurements, "the array of measurements", problem)
    warnings += inspect_values(incoming, problem, missing)
    return Task(folder, record, problem, incoming, tuple(warnings))


def predict(task: Task, registry: Registry, device: str, report: Report = lambda scalars: None) -> Maps:
    """Property maps `(n, 1, Z, X)` of a task's measurements, in the property's unit.

    Args:
        task: What is to be predicted.
        registry: Where the method is looked up.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        report: Told how far it is.

    Raises:
        MethodError: The method's own code fails, or returns what is no prediction.
    """
    record, n = task.record, len(task.measurements)
    spec = registry.method(record.cell.method).spec
    with TemporaryDirectory(ignore_cleanup_errors=True) as scratch, blaming(partial(_fault, record)):
        chosen = choose_device(device, spec)
        select_device(chosen)
        context = RunContext(
            workdir=Path(scratch),
            device=chosen,
            dataset=record.cell.dataset,
            method=record.cell.method,
            repetition=record.cell.seed,
            on_report=report,
        )
        method = load_fitted(task.folder, registry, task.problem, context)
        parts: list[Maps] = []
        for first, samples in task.measurements.portions(task.problem):
            parts.append(check_prediction(method.predict(samples), (len(samples), *task.problem.property_shape)))
            report({"step": first + len(samples), "steps": n})
    return np.concatenate(parts)


def doubt_maps(maps: Maps, problem: Problem) -> list[str]:
    """Tells in a line what makes predictions doubtful; none for maps that can be."""
    outside, bounds = problem.property.outside(maps), problem.property
    if outside <= OUTSIDE * maps.size:
        return []
    return [
        f"{outside / maps.size:.0%} of all nodes lie outside of the problem's {bounds.low:g} to {bounds.high:g} "
        f"{bounds.unit}: the measurements are probably not what the method knows"
    ]


def write_maps(maps: Maps, path: Path) -> None:
    """Writes maps as `.npy`, atomically."""
    with atomic_write(path) as stream:
        np.save(stream, maps)


def _problem(record: Record, registry: Registry) -> tuple[Problem, float, list[str]]:
    """The problem of a run, the share of traces that its data lack, and what is not sure about it.

    The samples need not be on this machine.
    """
    cell = record.cell
    dataset, doubts = build_dataset(registry, cell), []
    try:
        known = dataset.fingerprint
    except (FwibenchError, OSError):
        known = cell.fingerprint
        doubts.append(
            f"the files of {cell.dataset} are not here, so whether they are still those of the run is not known"
        )
    if known != cell.fingerprint:
        raise FwibenchError(
            f"{cell.dataset} is not what it was when {record.run_id} was made, so its scaling may be another",
            "run the method again on the dataset as it is now",
        )
    return dataset.measured_problem, dataset.options.missing_traces, doubts


def _fault(record: Record, what: str) -> MethodError:
    return MethodError(
        f"{record.cell.method} of {record.run_id} cannot predict: {what}",
        "--debug shows where; fwibench run --force makes the run again",
    )
