"""The stages of an evaluation: fit, predict, and clocks on the fitted method.

Invariant: each stage returns what it measured; reading data and computing have clocks of their own.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

import numpy as np

from fwibench.methods.base import Method, check_prediction
from fwibench.methods.iterative import IterativeMethod
from fwibench.methods.torch_method import TorchMethod
from fwibench.methods.traces import Trace
from fwibench.runs.artefacts.record import finite
from fwibench.runs.execution.timing import best_throughput, latency_ms, stopwatch
from fwibench.runs.opening.methods import rows_at_once
from fwibench.samples import Split
from fwibench.typing import Array32, Maps

Report = Callable[[dict[str, float]], None]


@dataclass(frozen=True)
class Fit:
    """What a fit took.

    Attributes:
        seconds: All attempts together [s].
        threads: Threads on a CPU; None if the method did not choose.
        history: One entry an epoch or iteration.
    """

    seconds: float
    threads: int | None
    history: list[dict[str, float]]


@dataclass(frozen=True)
class Predicted:
    """Predictions of the test samples.

    Attributes:
        maps: `(n, 1, Z, X)`, in the unit of the property.
        traces: Course of each inversion; empty for methods that are not iterative.
        read_s: Time of reading the measurements [s].
        predict_s: Time of predicting [s].
    """

    maps: Maps
    traces: list[Trace]
    read_s: float
    predict_s: float


def fit(method: Method, train: Split, val: Split, device: str) -> Fit:
    """Fit a method.

    Args:
        method: As it was built.
        train: Samples to learn from.
        val: Samples to choose on.
        device: Where it computes; synchronised at both ends.
    """
    if isinstance(method, TorchMethod):
        # its import is no part of the fit's time
        import_module("fwibench.methods.training")
    with stopwatch(device) as watch:
        method.fit(train, val)
    history = [finite(entry) for entry in method.history]
    return Fit(watch.seconds + method.resumed_s, method.fit_threads, history)


def predict(method: Method, test: Split, report: Report, *, reveal: bool = False) -> Predicted:
    """Predict the test samples, portion by portion.

    Args:
        method: Ready to predict.
        test: The samples.
        report: Receives `step` and `steps`.
        reveal: Whether the method is shown the truth of each portion before it predicts it.

    Raises:
        MethodError: A prediction has another shape or values that are not finite.
    """
    problem, device = method.problem, method.context.device
    parts: list[Maps] = []
    traces: list[Trace] = []
    read_s = predict_s = 0.0
    rows = rows_at_once(problem)
    for start in range(0, len(test), rows):
        chunk = slice(start, start + rows)
        with stopwatch("cpu") as reading:
            measurements = test.measurements[chunk]
        if reveal:
            method.reveal(test.properties[chunk])
        with stopwatch(device) as predicting:
            found = method.predict(measurements)
        parts.append(check_prediction(found, (len(measurements), *problem.property_shape)))
        read_s += reading.seconds
        predict_s += predicting.seconds
        if isinstance(method, IterativeMethod):
            traces += method.traces
        report({"step": min(start + rows, len(test)), "steps": len(test)})
    return Predicted(np.concatenate(parts), traces, read_s, predict_s)


def clock(method: Method, saved: Callable[[], Method], measurements: Array32) -> dict[str, float]:
    """Measure latency on one CPU thread and throughput.

    Args:
        method: Ready to predict.
        saved: Gives the method on the CPU, asked where the fitted one lives on a GPU.
        measurements: Some test samples, `(n, S, T, R)`.

    Returns:
        Fields of `Costs`.
    """
    device = method.context.device
    on_cpu = method if device == "cpu" else saved()
    latency = latency_ms(on_cpu.predict, measurements)
    rate, batch = best_throughput(method.predict, measurements, device)
    return {"predict_ms_cpu1": latency, "throughput_per_s": rate, "throughput_batch": batch}


def clock_of_inversions(predicted: Predicted, device: str) -> dict[str, float | None]:
    """Return latency and throughput of an inversion, which is too long to be repeated: its prediction was timed.

    Args:
        predicted: The predictions, with traces.
        device: Where they were made.

    Returns:
        Fields of `Costs`.
    """
    # the clock of this attempt does not know the time of those before it
    resumed = any(trace.before for trace in predicted.traces)
    seconds = None if resumed else predicted.predict_s
    latency = 1e3 * statistics.median(trace.seconds for trace in predicted.traces) if device == "cpu" else None
    rate = len(predicted.traces) / seconds if seconds else None
    return {"predict_s": seconds, "predict_ms_cpu1": latency, "throughput_per_s": rate}
