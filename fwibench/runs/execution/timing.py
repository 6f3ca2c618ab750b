"""Measurement of durations, latency and throughput.

Invariant: repeated measurements begin with a warm-up call, and a GPU is synchronised when a clock starts and stops.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np

from fwibench.typing import Array32

Predict = Callable[[Array32], object]
BATCHES = (1, 4, 16, 64, 256)
LARGEST_BATCH_BYTES = 2**28
LEAST_BATCH = 16
"""Batch size from which on a larger one is measured only while it is worth it."""
WORTH = 1.05
"""Gain in throughput that is worth a larger batch."""


@dataclass
class Stopwatch:
    """Duration of a `stopwatch` block [s]."""

    seconds: float = 0.0


def synchronise(device: str) -> None:
    """Wait until the device has finished all submitted work."""
    if device.startswith("cuda"):
        import torch

        torch.cuda.synchronize(device)


@contextmanager
def stopwatch(device: str) -> Iterator[Stopwatch]:
    """Measure the duration of a block on a device."""
    watch = Stopwatch()
    synchronise(device)
    start = time.perf_counter()
    yield watch
    synchronise(device)
    watch.seconds = time.perf_counter() - start


@contextmanager
def using_threads(number: int) -> Iterator[None]:
    """Set the number of threads of torch and of the BLAS libraries within the block."""
    import torch
    from threadpoolctl import threadpool_limits

    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        with threadpool_limits(number):
            yield
    finally:
        torch.set_num_threads(before)


def seconds_per_call(call: Callable[[], object], device: str, budget: float = 2.0, max_repeats: int = 50) -> float:
    """Return the median duration of a call after a warm-up, over as many repeats as fit the budget.

    A call that takes longer than the budget is not repeated; its warm-up is the measurement.

    Args:
        call: Function to measure.
        device: Device that it computes on.
        budget: Time for all repeats [s].
        max_repeats: Largest number of repeats; the smallest is 3.

    Returns:
        The duration [s].
    """
    with stopwatch(device) as warm_up:
        call()
    if warm_up.seconds > budget:
        return warm_up.seconds
    durations: list[float] = []
    while len(durations) < 3 or (len(durations) < max_repeats and sum(durations) < budget):
        with stopwatch(device) as watch:
            call()
        durations.append(watch.seconds)
    return statistics.median(durations)


def latency_ms(predict: Predict, measurements: Array32) -> float:
    """Return the prediction time of one sample on one CPU thread [ms], as measured in section 4.2 of the paper."""
    with using_threads(1):
        return 1e3 * seconds_per_call(lambda: predict(measurements[:1]), "cpu")


def best_throughput(predict: Predict, measurements: Array32, device: str) -> tuple[float, int]:
    """Return the highest throughput over batch sizes.

    Batches grow until they would take more than two seconds or a quarter of a gigabyte, or exceed the GPU's memory, or
    until a batch of 16 or more gains less than 5 %.

    Args:
        predict: Prediction function.
        measurements: Some samples, `(n, S, T, R)`, which are repeated to fill a batch.
        device: Device that it computes on.

    Returns:
        The throughput [samples per second], and its batch size.
    """
    import torch

    best, best_batch = 0.0, 1
    bytes_each = measurements[:1].nbytes
    # pages of the buffer that are not filled take no memory
    buffer = np.empty(
        (min(BATCHES[-1], max(LARGEST_BATCH_BYTES // bytes_each, 1)), *measurements.shape[1:]), np.float32
    )
    filled = 0
    for batch in BATCHES:
        if batch > 1 and (batch > len(buffer) or batch / best > 2.0):
            break
        np.take(measurements, range(filled, batch), axis=0, out=buffer[filled:batch], mode="wrap")
        inputs, filled = buffer[:batch], batch
        try:
            rate = batch / seconds_per_call(partial(predict, inputs), device, budget=0.5, max_repeats=5)
        except torch.OutOfMemoryError:
            break
        gain = rate / best if best else math.inf
        if gain > 1:
            best, best_batch = rate, batch
        if batch >= LEAST_BATCH and gain < WORTH:
            break
    return best, best_batch
