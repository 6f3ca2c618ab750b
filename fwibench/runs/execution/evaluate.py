"""Execution of a cell's method: fit, predict and measure. A transferred cell loads a fitted method instead.

Invariant: the method is given no true map of the test split, unless its track is `oracle-start`.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from fwibench.methods.base import Method
from fwibench.methods.complexity import total
from fwibench.methods.context import RunContext
from fwibench.plugins.registry import Registry
from fwibench.problem import Problem
from fwibench.runs.artefacts.cell import Cell
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.predictions import Predictions, write_predictions
from fwibench.runs.artefacts.record import Costs, finite, read_record
from fwibench.runs.artefacts.samples import pack_samples, write_samples
from fwibench.runs.artefacts.spectra import write_spectra
from fwibench.runs.artefacts.traces import write_traces
from fwibench.runs.execution.stages import clock, clock_inversions, draw_samples, fit, predict
from fwibench.runs.execution.timing import stopwatch
from fwibench.runs.machine.environment import peak_device_memory_mb, peak_memory_mb
from fwibench.runs.opening.datasets import reopen_dataset, reopen_fitted_dataset, scored_split
from fwibench.runs.opening.methods import build_method, load_model, model_folder, rows_at_once, with_base_method
from fwibench.runs.opening.truth import seal
from fwibench.runs.processes.messages import EventHandler, Measured


@dataclass(frozen=True)
class Task:
    """A cell to evaluate, with its device and folders.

    Attributes:
        cell: Cell to evaluate.
        oracle: Whether the method receives the truth of the test samples.
        device: `cpu`, `cuda` or `cuda:N`.
        devices: Number of devices of a fit.
        registry: Registry of method and dataset.
        folder: Folder for `predictions.npz`, `model/` and, if the method has them, `samples.npy` and `spectra.json`; in
            the folder of the runs.
        workdir: Working folder of the method.
        limit: Time until the deadline [s]; None for no limit.
        on_event: Called with events for the progress display.
        prepare: Called after all code of the cell is loaded and before the method is built; returns notes.
        alone: Context in which no other cell of the run computes.
    """

    cell: Cell
    oracle: bool
    device: str
    registry: Registry
    folder: Path
    workdir: Path
    limit: float | None = None
    devices: int = 1
    on_event: EventHandler = lambda event: None
    prepare: Callable[[], list[str]] = list
    alone: Callable[[], AbstractContextManager[None]] = nullcontext


def evaluate(task: Task) -> Iterator[Measured]:
    """Run the method of a cell.

    Args:
        task: Cell to evaluate.

    Yields:
        All measurements so far, after each stage, so that they are kept if a later stage fails.
    """
    cell, on_event = task.cell, task.on_event
    spec = task.registry.method(cell.method).spec
    with stopwatch("cpu") as reading:
        dataset = reopen_dataset(task.registry, cell)
        test = scored_split(dataset, cell)
    if not task.oracle:
        # rebinding the name leaves no reference to the truth in this frame
        test = seal(test)
    measured = Measured(device=task.device, n_test=len(test), costs=Costs(data_s=reading.seconds))
    if cell.model:
        # what concerns the model alone was measured in its run
        known = read_record(RunFiles(task.folder.parent / cell.model).record)
        measured = measured.with_values(n_train=known.n_train, n_val=known.n_val, complexity=known.complexity)
        problem = reopen_fitted_dataset(task.registry, cell).measured_problem
    else:
        with stopwatch("cpu") as more:
            train, val = (dataset.split(cell.split, name) for name in ("train", "val"))
        measured = measured.with_values(n_train=len(train), n_val=len(val))
        measured = measured.with_costs(data_s=reading.seconds + more.seconds)
        problem = dataset.measured_problem
    opening_s = measured.costs.data_s or 0.0
    yield measured
    context = _context(task, problem)
    spec.load()
    measured = measured.with_values(notes=task.prepare())
    method = build_method(spec, cell, problem, context)
    if cell.model:
        method.load(model_folder(task.folder, cell))
    elif spec.learns(cell.options):
        on_event({"stage": "fit"})
        fitted = fit(method, train, val, task.device)
        of_fit = {**fitted.costs, **_costs_of_members(task)}
        measured = measured.with_values(history=fitted.history).with_costs(**of_fit)
        yield measured
    on_event({"stage": "predict"})
    predicted = predict(method, test, lambda progress: on_event({"report": progress}), reveal=task.oracle)
    measured = measured.with_costs(
        data_s=opening_s + predicted.read_s,
        predict_s=predicted.predict_s,
        peak_memory_mb=peak_memory_mb(),
        peak_device_memory_mb=peak_device_memory_mb(task.device),
    )
    yield measured
    write_predictions(Predictions(test.ids, predicted.maps), task.folder)
    drawn = draw_samples(method, test, reveal=task.oracle)
    write_samples(pack_samples(drawn, predicted.maps, dataset.problem.property), len(test), task.folder)
    if predicted.traces:
        write_traces(task.folder, test.ids, predicted.traces)
    measured = measured.with_values(diagnoses=type(method).diagnostics is not Method.diagnostics)
    if cell.model:
        costs = clock_inversions(predicted, task.device) if predicted.traces else {}
        yield measured.with_costs(**costs)
        return
    write_spectra(method.spectra(), task.folder)
    on_event({"stage": "measure"})
    measured = measured.with_values(
        diagnostics=finite(method.figures()),
        notes=[*measured.notes, *method.notes()],
        complexity=method.complexity(),
    )
    yield measured
    RunFiles(task.folder).model.mkdir(exist_ok=True)
    method.save(RunFiles(task.folder).model)
    if predicted.traces:
        yield measured.with_costs(**clock_inversions(predicted, task.device))
        return
    saved = partial(_load_on_cpu, task, problem, context)
    measurements = test.measurements[: rows_at_once(problem)]
    with task.alone():
        costs_of_clock = clock(method, saved, measurements)
    yield measured.with_costs(**costs_of_clock)


def _context(task: Task, problem: Problem) -> RunContext:
    context = RunContext(
        workdir=task.workdir,
        device=task.device,
        dataset=task.cell.dataset,
        method=task.cell.method,
        repetition=task.cell.seed,
        deadline=None if task.limit is None else time.monotonic() + task.limit,
        devices=task.devices,
        fit_budget=task.cell.budget,
        on_report=lambda scalars: task.on_event({"report": scalars}),
    )
    return with_base_method(context, task.cell, task.folder.parent, task.registry, problem)


def _costs_of_members(task: Task) -> dict[str, float | None]:
    """Return the costs of the fits that a cell builds on, where these are several of one method."""
    runs = [RunFiles(task.folder.parent / run) for run in task.cell.members]
    costs = [read_record(files.record, history=False).costs for files in runs]
    if not costs:
        return {}
    return {
        "members_fit_s": total(one.fit_s for one in costs),
        "samples_seen": total(one.samples_seen for one in costs),
    }


def _load_on_cpu(task: Task, problem: Problem, context: RunContext) -> Method:
    """Load the saved method on the CPU."""
    context = dataclasses.replace(context, device="cpu", devices=1, base=None)
    return load_model(RunFiles(task.folder).model, task.cell, task.folder.parent, task.registry, problem, context)
