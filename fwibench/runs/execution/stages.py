"""Stages of an evaluation: fit, predict, and timing of the fitted method.

Invariant: each stage returns what it measured; reading data and computing are timed separately.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module

import numpy as np

from fwibench.methods.base import Method, check_prediction, check_samples
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
    """Measurements of a fit.

    Attributes:
        costs: Fields of `Costs`; the duration is that of all attempts together.
        history: Losses and other scalars, one entry for each epoch or iteration.
    """

    costs: dict[str, float | str | None]
    history: list[dict[str, float]]


@dataclass(frozen=True)
class Predicted:
    """Predictions of the test samples.

    Attributes:
        maps: Predicted maps in the unit of the property, `(n, 1, Z, X)`.
        traces: Iterations of each sample; empty for methods that are not iterative.
        read_s: Time for reading the measurements [s].
        predict_s: Time for predicting [s].
    """

    maps: Maps
    traces: list[Trace]
    read_s: float
    predict_s: float


def fit(method: Method, train: Split, val: Split, device: str) -> Fit:
    """Fit a method.

    Args:
        method: Method, before any fit.
        train: Training samples.
        val: Validation samples.
        device: Device that the method computes on.

    Returns:
        Duration and other costs of the fit, and its history.
    """
    if isinstance(method, TorchMethod):
        # the time of this import is not part of the fit
        import_module("fwibench.methods.training")
    with stopwatch(device) as watch:
        method.fit(train, val)
    costs = {
        "fit_s": watch.seconds + method.resumed_s,
        "fit_threads": method.fit_threads,
        "fit_precision": method.fit_precision,
        "fit_batches": method.fit_batches,
        "samples_seen": method.samples_seen,
    }
    return Fit(costs, [finite(entry) for entry in method.history])


def predict(method: Method, test: Split, report: Report, *, reveal: bool = False) -> Predicted:
    """Predict the test samples, chunk by chunk.

    Args:
        method: Method that is ready to predict.
        test: Test samples.
        report: Called with `step` and `steps` after each chunk.
        reveal: Whether the method receives the truth of each chunk before it predicts it.

    Returns:
        Predictions and durations.

    Raises:
        MethodError: A prediction has another shape, or values that are not finite.
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


def draw_samples(method: Method, test: Split, *, reveal: bool = False) -> Iterator[Array32]:
    """Yield samples of the predictions, chunk by chunk; nothing if the method draws none.

    Args:
        method: Method that is ready to predict.
        test: Test samples.
        reveal: Whether the method receives the truth of each chunk before.

    Yields:
        Samples `(m, k, 1, Z, X)` of the k predictions of a chunk.

    Raises:
        MethodError: Samples have another shape, another number or values that are not finite.
    """
    problem, count = method.problem, None
    rows = rows_at_once(problem)
    for start in range(0, len(test), rows):
        chunk = slice(start, start + rows)
        measurements = test.measurements[chunk]
        if reveal:
            method.reveal(test.properties[chunk])
        found = method.predict_samples(measurements)
        if found is None and count is None:
            return
        samples = check_samples(found, (len(measurements), *problem.property_shape), count)
        count = len(samples)
        yield samples


def clock(method: Method, saved: Callable[[], Method], measurements: Array32) -> dict[str, float]:
    """Measure latency on one CPU thread, and throughput.

    Args:
        method: Method that is ready to predict.
        saved: Loads the method on the CPU; called if `method` is on a GPU.
        measurements: Some test samples, `(n, S, T, R)`.

    Returns:
        Fields of `Costs`.
    """
    device = method.context.device
    on_cpu = method if device == "cpu" else saved()
    latency = latency_ms(on_cpu.predict, measurements)
    rate, batch = best_throughput(method.predict, measurements, device)
    return {"predict_ms_cpu1": latency, "throughput_per_s": rate, "throughput_batch": batch}


def clock_inversions(predicted: Predicted, device: str) -> dict[str, float | None]:
    """Return latency and throughput of an inversion from the time of its prediction, which is too long to be repeated.

    Args:
        predicted: Predictions with traces.
        device: Device on which they were computed.

    Returns:
        Fields of `Costs`.
    """
    # the measured time of this attempt does not include earlier, interrupted attempts
    resumed = any(trace.before for trace in predicted.traces)
    seconds = None if resumed else predicted.predict_s
    latency = 1e3 * statistics.median(trace.seconds for trace in predicted.traces) if device == "cpu" else None
    rate = len(predicted.traces) / seconds if seconds else None
    return {"predict_s": seconds, "predict_ms_cpu1": latency, "throughput_per_s": rate}
