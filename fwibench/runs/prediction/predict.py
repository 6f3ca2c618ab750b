"""Predictions of the model of a finished run, or of a model file, for new measurements.

Invariant: run and file are not changed; measurements that do not match the problem raise an error before the method
receives them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwibench.errors import DataError, MethodError, UnknownNameError, UsageError
from fwibench.files.atomic import atomic_write
from fwibench.methods.base import Method, check_prediction
from fwibench.methods.context import RunContext
from fwibench.plugins.isolation import blaming
from fwibench.plugins.registry import Registry
from fwibench.problem import Problem
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.record import EXTERNAL, Record, read_record
from fwibench.runs.artefacts.results import Results
from fwibench.runs.machine.devices import choose_device, select_device
from fwibench.runs.models.archive import SUFFIX
from fwibench.runs.models.model import read_model
from fwibench.runs.models.sources import find_model, is_model, registry_path
from fwibench.runs.opening.datasets import load_problem
from fwibench.runs.opening.methods import load_fitted
from fwibench.runs.prediction.measurements import Measurements, inspect_values, read_measurements, take_measurements
from fwibench.specs.method import MethodSpec
from fwibench.typing import Maps

Report = Callable[[dict[str, float]], None]
OUTSIDE_SHARE = 0.25
"""Share of nodes outside of the property's bounds above which a warning is given."""


@dataclass(frozen=True)
class Task:
    """A finished run, or one that was unpacked from a model file, and measurements that match its problem.

    Attributes:
        folder: Folder of the run.
        record: Record of the run.
        problem: Problem of the run.
        measurements: The measurements, `(n, S, T, R)`.
        warnings: A line for each doubt about the run or the measurements.
    """

    folder: Path
    record: Record
    problem: Problem
    measurements: Measurements
    warnings: tuple[str, ...]


@contextmanager
def open_task(source: str, results: Path, measurements: Path, registry: Registry) -> Iterator[Task]:
    """Find a run or a model file, and yield its task with the measurements of a file.

    Args:
        source: Path, address or registered name of a model file; or the name of a run, or a part of it.
        results: Results folder with the run.
        measurements: See `make_task`.
        registry: Registry of method and dataset.

    Raises:
        UnknownNameError: There is no such run.
        FwibenchError: See `make_task`.
    """
    if not is_model(source):
        try:
            folder = Results(results).run(source)
        except UnknownNameError as error:
            hint = f"{error.hint}; models are files ({SUFFIX}), addresses, and names in {registry_path()}"
            raise UnknownNameError(error.message.replace("no run", "no run or model"), hint) from error
        yield make_task(folder, measurements, registry)
        return
    model = read_model(find_model(source))
    spec = model.spec(registry)
    with model.unpacked() as folder:
        yield _checked_task(folder, model.record, spec, (model.problem, model.missing_traces, []), measurements)


def make_task(folder: Path, measurements: Path | NDArray[Any], registry: Registry) -> Task:
    """Read a run and measurements, and check everything that can be checked without the method.

    Args:
        folder: Folder of the run.
        measurements: A file, see `read_measurements`, or an array, see `take_measurements`.
        registry: Registry of method and dataset.

    Returns:
        The task.

    Raises:
        UsageError: The run cannot predict: it failed, or needs the truth.
        DataError: A file does not exist or cannot be read.
        ProblemError: The measurements do not match the run's problem.
        FwibenchError: The dataset has changed since the run.
    """
    record = read_record(RunFiles(folder).record)
    if record.kind == EXTERNAL:
        raise UsageError(f"{record.run_id} is external and has no model that can be applied", "choose another run")
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
    if missing := Results(folder.parent.parent).missing_run_reason(cell):
        raise DataError(f"{record.run_id} {missing}", "fwibench merge joins the folders that hold both")
    return _checked_task(folder, record, spec, load_problem(record, registry), measurements)


def _checked_task(
    folder: Path,
    record: Record,
    spec: MethodSpec,
    known: tuple[Problem, float, list[str]],
    measurements: Path | NDArray[Any],
) -> Task:
    """Return the task of a run whose problem, share of missing traces and warnings are known."""
    cell, (problem, missing_traces, warnings) = record.cell, known
    if spec.version != cell.method_version:
        warnings.append(
            f"the model was fitted by version {cell.method_version} of {cell.method}, installed is {spec.version}"
        )
    if isinstance(measurements, Path):
        checked = read_measurements(measurements, problem)
    else:
        checked = take_measurements(measurements, "the array of measurements", problem)
    warnings += inspect_values(checked, problem, missing_traces)
    return Task(folder, record, problem, checked, tuple(warnings))


def predict(task: Task, registry: Registry, device: str, report: Report = lambda scalars: None) -> Maps:
    """Predict the property maps of a task's measurements.

    Args:
        task: Run and measurements.
        registry: Registry of the methods.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        report: Called with the progress.

    Returns:
        Maps in the property's unit, `(n, 1, Z, X)`.

    Raises:
        MethodError: The method's code fails, or returns an invalid prediction.
    """
    record = task.record
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
        return predict_chunks(method, task.measurements, report)


def predict_chunks(method: Method, measurements: Measurements, report: Report = lambda scalars: None) -> Maps:
    """Predict measurements chunk by chunk, and check each prediction.

    Args:
        method: Ready to predict.
        measurements: Measurements of the method's problem.
        report: Called with the progress.

    Returns:
        Maps in the property's unit, `(n, 1, Z, X)`.

    Raises:
        MethodError: A prediction is invalid.
    """
    parts: list[Maps] = []
    for first, samples in measurements.portions(method.problem):
        parts.append(check_prediction(method.predict(samples), (len(samples), *method.problem.property_shape)))
        report({"step": first + len(samples), "steps": len(measurements)})
    return np.concatenate(parts)


def doubt_maps(maps: Maps, problem: Problem) -> list[str]:
    """Return a warning if many predicted values are outside of the property's bounds; empty otherwise."""
    outside, bounds = problem.property.outside(maps), problem.property
    if outside <= OUTSIDE_SHARE * maps.size:
        return []
    return [
        f"{outside / maps.size:.0%} of all nodes lie outside of the problem's {bounds.low:g} to {bounds.high:g} "
        f"{bounds.unit}: the measurements probably differ from those that the method was trained for"
    ]


def write_maps(maps: Maps, path: Path) -> None:
    """Write maps as `.npy`, atomically."""
    with atomic_write(path) as stream:
        np.save(stream, maps)


def _fault(record: Record, what: str) -> MethodError:
    return MethodError(
        f"{record.cell.method} of {record.run_id} cannot predict: {what}",
        "--debug shows where; fwibench run --force runs the cell again",
    )
