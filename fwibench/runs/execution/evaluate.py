"""The method's part of a cell: fit, predict, measure.

Invariant: the method is handed no true map of the test split, unless its track is shown them.
"""

from __future__ import annotations

import dataclasses
import statistics
import time
from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from fwibench.methods.base import Method
from fwibench.methods.context import RunContext
from fwibench.methods.iterative import IterativeMethod
from fwibench.methods.predictions import check_prediction
from fwibench.methods.spectra import write_spectra
from fwibench.methods.torch_method import TorchMethod
from fwibench.methods.traces import Trace, write_traces
from fwibench.plugins.registry import Registry
from fwibench.problem import Problem
from fwibench.runs.artefacts.predictions import Predictions, write_predictions
from fwibench.runs.artefacts.record import Costs, Record, finite
from fwibench.runs.execution.timing import best_throughput, latency_ms, stopwatch
from fwibench.runs.machine.environment import peak_device_memory_mb, peak_memory_mb
from fwibench.runs.opening.datasets import reopen_dataset, scored_split
from fwibench.runs.opening.methods import build, load_model, rows_at_once, with_base
from fwibench.runs.opening.truth import seal
from fwibench.samples import Split
from fwibench.typing import Maps

Notify = Callable[[dict[str, Any]], None]


def evaluate(
    record: Record,
    registry: Registry,
    folder: Path,
    workdir: Path,
    limit: float | None,
    tell: Notify,
    prepare: Callable[[], list[str]] = list,
) -> bool:
    """Run the method of the record's cell and fill in what it measures.

    Args:
        record: Names the cell and the device; is filled in step by step, so a fault keeps what was measured.
        registry: Where method and dataset are looked up.
        folder: Receives `predictions.npz`, `model/`, and `spectra.json` where the method has any; lies among the runs.
        workdir: The method's own folder.
        limit: Seconds until the deadline; None for no limit.
        tell: Receives events for the progress display.
        prepare: Called when all code of the cell is loaded, before the method is built; returns notes.

    Returns:
        Whether the method has diagnostics that need the truth.
    """
    cell, device = record.cell, record.device
    spec = registry.method(cell.method).spec
    with stopwatch("cpu") as reading:
        dataset = reopen_dataset(registry, cell)
        problem = dataset.measured_problem
        train, val = (dataset.split(cell.split, name) for name in ("train", "val"))
        test = scored_split(dataset, cell)
    if record.track != "oracle-start":
        test = seal(test)
    record.costs.data_s = reading.seconds
    record.n_train, record.n_val, record.n_test = len(train), len(val), len(test)
    context = RunContext(
        workdir=workdir,
        device=device,
        dataset=cell.dataset,
        method=cell.method,
        repetition=cell.seed,
        deadline=None if limit is None else time.monotonic() + limit,
        on_report=lambda scalars: tell({"report": scalars}),
    )
    context = with_base(context, cell, folder.parent, registry, problem)
    spec.load()
    record.notes += prepare()
    method = build(spec, cell, problem, context)
    if spec.learns(cell.options):
        tell({"stage": "fit"})
        if isinstance(method, TorchMethod):
            # its import is no part of the fit's time
            import_module("fwibench.methods.training")
        with stopwatch(device) as fitting:
            method.fit(train, val)
        record.costs.fit_s = fitting.seconds + method.resumed_s
        record.costs.fit_threads = method.fit_threads
        record.history = [finite(entry) for entry in method.history]
    tell({"stage": "predict"})
    prediction, traces = _predict(method, test, problem, record, tell)
    record.costs.peak_memory_mb = peak_memory_mb()
    record.costs.peak_device_memory_mb = peak_device_memory_mb(device)
    write_predictions(Predictions(test.ids, prediction), folder)
    if traces:
        write_traces(folder, test.ids, traces)
    record.diagnostics = finite(method.figures())
    write_spectra(method.spectra(), folder)
    tell({"stage": "measure"})
    record.complexity = method.complexity()
    (folder / "model").mkdir(exist_ok=True)
    method.save(folder / "model")
    if traces:
        _take_clock(record.costs, traces, device)
    else:
        saved = partial(load_model, folder / "model", cell, folder.parent, registry, problem)
        _measure(record, method, test.measurements[: rows_at_once(problem)], context, saved)
    return type(method).diagnostics is not Method.diagnostics


def _predict(method: Method, test: Split, problem: Problem, record: Record, tell: Notify) -> tuple[Maps, list[Trace]]:
    """Predicts chunk by chunk; reading and predicting have clocks of their own."""
    parts, costs, rows = [], record.costs, rows_at_once(problem)
    traces: list[Trace] = []
    costs.predict_s = 0.0
    for start in range(0, len(test), rows):
        chunk = slice(start, start + rows)
        with stopwatch("cpu") as reading:
            measurements = test.measurements[chunk]
        if record.track == "oracle-start":
            method.reveal(test.properties[chunk])
        with stopwatch(record.device) as predicting:
            found = method.predict(measurements)
        parts.append(check_prediction(found, (len(measurements), *problem.property_shape)))
        costs.data_s = (costs.data_s or 0.0) + reading.seconds
        costs.predict_s += predicting.seconds
        if isinstance(method, IterativeMethod):
            traces += method.traces
        tell({"report": {"step": min(start + rows, len(test)), "steps": len(test)}})
    return np.concatenate(parts), traces


def _measure(
    record: Record, method: Method, measurements: Maps, context: RunContext, load: Callable[[RunContext], Method]
) -> None:
    """Latency on one CPU thread, by the saved method where the fitted one lives on a GPU; then throughput."""
    costs, device = record.costs, context.device
    on_cpu = method
    if device != "cpu":
        on_cpu = load(dataclasses.replace(context, device="cpu", base=None))
    costs.predict_ms_cpu1 = latency_ms(on_cpu.predict, measurements)
    costs.throughput_per_s, costs.throughput_batch = best_throughput(method.predict, measurements, device)


def _take_clock(costs: Costs, traces: list[Trace], device: str) -> None:
    """An inversion is too long to be repeated for the clock: the prediction itself was timed."""
    if any(trace.before for trace in traces):
        # the clock of this attempt knows nothing of those before it
        costs.predict_s = None
    if device == "cpu":
        costs.predict_ms_cpu1 = 1e3 * statistics.median(trace.seconds for trace in traces)
    costs.throughput_per_s = len(traces) / costs.predict_s if costs.predict_s else None
