"""The method's part of a cell: fit, predict, measure.

Invariant: the method is handed no true map of the test split, unless its track is shown them.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from fwibench.datasets.base import Dataset
from fwibench.methods.base import Method
from fwibench.methods.context import RunContext
from fwibench.plugins.registry import Registry
from fwibench.runs.artefacts.cell import Cell
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.predictions import Predictions, write_predictions
from fwibench.runs.artefacts.record import Costs, finite
from fwibench.runs.artefacts.spectra import write_spectra
from fwibench.runs.artefacts.traces import write_traces
from fwibench.runs.execution.stages import clock, clock_of_inversions, fit, predict
from fwibench.runs.execution.timing import stopwatch
from fwibench.runs.machine.environment import peak_device_memory_mb, peak_memory_mb
from fwibench.runs.opening.datasets import reopen_dataset, scored_split
from fwibench.runs.opening.methods import build, load_model, rows_at_once, with_base
from fwibench.runs.opening.truth import seal
from fwibench.runs.processes.messages import Measured

Notify = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Task:
    """A cell, and where its method works.

    Attributes:
        cell: What is run.
        oracle: Whether the method is shown the truth of the test samples.
        device: `cpu`, `cuda` or `cuda:N`.
        registry: Where method and dataset are looked up.
        folder: Receives `predictions.npz`, `model/`, and `spectra.json` where the method has any; lies among the runs.
        workdir: The method's own folder.
        limit: Time until the deadline [s]; None for no limit.
        tell: Receives events for the progress display.
        prepare: Called when all code of the cell is loaded, before the method is built; returns notes.
    """

    cell: Cell
    oracle: bool
    device: str
    registry: Registry
    folder: Path
    workdir: Path
    limit: float | None = None
    tell: Notify = lambda event: None
    prepare: Callable[[], list[str]] = list


def evaluate(task: Task) -> Iterator[Measured]:
    """Run the method of a cell.

    Args:
        task: The cell.

    Yields:
        What has been measured so far, after each stage, so that an error in a later stage loses nothing.
    """
    cell, tell = task.cell, task.tell
    spec = task.registry.method(cell.method).spec
    with stopwatch("cpu") as reading:
        dataset = reopen_dataset(task.registry, cell)
        train, val = (dataset.split(cell.split, name) for name in ("train", "val"))
        test = scored_split(dataset, cell)
    if not task.oracle:
        # under the same name, so that no frame holds the truth
        test = seal(test)
    costs = Costs(data_s=reading.seconds)
    measured = Measured(device=task.device, n_train=len(train), n_val=len(val), n_test=len(test), costs=costs)
    yield measured
    context = _context(task, dataset)
    spec.load()
    measured = measured.having(notes=task.prepare())
    method = build(spec, cell, dataset.measured_problem, context)
    if spec.learns(cell.options):
        tell({"stage": "fit"})
        fitted = fit(method, train, val, task.device)
        measured = measured.having(history=fitted.history).spending(fit_s=fitted.seconds, fit_threads=fitted.threads)
        yield measured
    tell({"stage": "predict"})
    predicted = predict(method, test, lambda progress: tell({"report": progress}), reveal=task.oracle)
    measured = measured.spending(
        data_s=reading.seconds + predicted.read_s,
        predict_s=predicted.predict_s,
        peak_memory_mb=peak_memory_mb(),
        peak_device_memory_mb=peak_device_memory_mb(task.device),
    )
    yield measured
    write_predictions(Predictions(test.ids, predicted.maps), task.folder)
    if predicted.traces:
        write_traces(task.folder, test.ids, predicted.traces)
    write_spectra(method.spectra(), task.folder)
    tell({"stage": "measure"})
    measured = measured.having(
        diagnostics=finite(method.figures()),
        complexity=method.complexity(),
        diagnoses=type(method).diagnostics is not Method.diagnostics,
    )
    yield measured
    (RunFiles(task.folder).model).mkdir(exist_ok=True)
    method.save(RunFiles(task.folder).model)
    if predicted.traces:
        yield measured.spending(**clock_of_inversions(predicted, task.device))
        return
    saved = partial(_load_on_cpu, task, dataset, context)
    yield measured.spending(**clock(method, saved, test.measurements[: rows_at_once(dataset.measured_problem)]))


def _context(task: Task, dataset: Dataset) -> RunContext:
    context = RunContext(
        workdir=task.workdir,
        device=task.device,
        dataset=task.cell.dataset,
        method=task.cell.method,
        repetition=task.cell.seed,
        deadline=None if task.limit is None else time.monotonic() + task.limit,
        on_report=lambda scalars: task.tell({"report": scalars}),
    )
    return with_base(context, task.cell, task.folder.parent, task.registry, dataset.measured_problem)


def _load_on_cpu(task: Task, dataset: Dataset, context: RunContext) -> Method:
    """The saved method on the CPU."""
    context = dataclasses.replace(context, device="cpu", base=None)
    problem = dataset.measured_problem
    return load_model(RunFiles(task.folder).model, task.cell, task.folder.parent, task.registry, problem, context)
