"""Clocks that measure what they say.

Invariant: a measured call has been warmed up, and a GPU is idle when a clock starts and when it stops.
"""

from __future__ import annotations

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


@dataclass
class Stopwatch:
    """Seconds between the two ends of a `stopwatch` block."""

    seconds: float = 0.0


def synchronise(device: str) -> None:
    """Waits for the device to finish what it was given."""
    if device.startswith("cuda"):
        import torch

        torch.cuda.synchronize(device)


@contextmanager
def stopwatch(device: str) -> Iterator[Stopwatch]:
    """Times a block on a device."""
    watch = Stopwatch()
    synchronise(device)
    start = time.perf_counter()
    yield watch
    synchronise(device)
    watch.seconds = time.perf_counter() - start


@contextmanager
def one_thread() -> Iterator[None]:
    """Holds torch and the BLAS libraries to a single thread."""
    import torch
    from threadpoolctl import threadpool_limits

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
            yield
    finally:
        torch.set_num_threads(threads)


def seconds_per_call(call: Callable[[], object], device: str, budget: float = 2.0, most: int = 50) -> float:
    """Median duration of `call` after a warm-up, over as many repeats as fit the budget.

    A call that fills the budget by itself is not repeated; its warm-up is the measurement.
    """
    with stopwatch(device) as warm_up:
        call()
    if warm_up.seconds > budget:
        return warm_up.seconds
    durations: list[float] = []
    while len(durations) < 3 or (len(durations) < most and sum(durations) < budget):
        with stopwatch(device) as watch:
            call()
        durations.append(watch.seconds)
    return statistics.median(durations)


def latency_ms(predict: Predict, measurements: Array32) -> float:
    """One sample on one CPU thread [ms], as section 4.2 of the paper measures it."""
    with one_thread():
        return 1e3 * seconds_per_call(lambda: predict(measurements[:1]), "cpu")


def best_throughput(predict: Predict, measurements: Array32, device: str) -> tuple[float, int]:
    """Samples a second at the batch size where that is highest, and that size.

    Batches grow until they would take more than two seconds or a quarter of a gigabyte, or do not fit the GPU.
    """
    import torch

    best, best_batch = 0.0, 1
    for batch in BATCHES:
        inputs = measurements[np.arange(batch) % len(measurements)]
        if batch > 1 and (inputs.nbytes > LARGEST_BATCH_BYTES or batch / best > 2.0):
            break
        try:
            rate = batch / seconds_per_call(partial(predict, inputs), device, budget=1.0, most=10)
        except torch.OutOfMemoryError:
            break
        if rate > best:
            best, best_batch = rate, batch
    return best, best_batch
