"""The number of threads of a fit on a CPU.

Invariant: a fit with a given number of threads has the same bits, however that number was chosen. Choosing it leaves
weights and random generators unchanged.
"""

from __future__ import annotations

import logging
import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

from fwibench.methods.context import FIT_THREADS
from fwibench.methods.precision import own_generators

SMALL_S = 0.1
"""Longest training step of a small network [s]. A longer step takes every thread without measuring fewer: its parallel
sections are long against the time that threads wait for each other."""
LARGE_S = 2.0
"""Longest first training step that is repeated [s]; a longer one is of a large network for certain."""
REPEATS = 5
"""Training steps that are timed for each number of threads; the median counts."""
WORTH = 1.15
"""Speed-up from which on more threads are used; below it fewer are, since they depend less on other processes."""

log = logging.getLogger(__name__)


def fit_threads(
    device: torch.device, resumed: int | None, make_step: Callable[[], Callable[[], object]] | None
) -> int | None:
    """Choose the number of threads of a fit.

    The number of the checkpoint takes precedence, then `FWIBENCH_FIT_THREADS`, then `OMP_NUM_THREADS` or
    `MKL_NUM_THREADS`. Without any of them a training step is timed with several numbers of threads.

    Args:
        device: Device of the fit.
        resumed: Number of threads stored in the checkpoint; None without a checkpoint.
        make_step: Makes the training step to time; called only where it is timed. None: the present number is used
            instead of timing one.

    Returns:
        Number of threads; None on a GPU, where it has no influence.
    """
    if device.type != "cpu":
        return None
    if resumed:
        return resumed
    present = torch.get_num_threads()
    setting = os.environ.get(FIT_THREADS, "")
    if setting.isdecimal() and int(setting) > 0:
        return int(setting)
    if make_step is None or present == 1 or "OMP_NUM_THREADS" in os.environ or "MKL_NUM_THREADS" in os.environ:
        return present
    with own_generators(device):
        try:
            return fastest(make_step(), present)
        except Exception as error:
            # the timed step copies the network and calls `loss`; a method may allow neither and still train
            log.warning("the training step could not be timed, %d threads are used: %r", present, error)
            return present


def fastest(step: Callable[[], object], most: int) -> int:
    """Return the smallest number of threads that is about as fast as the fastest one.

    Powers of two and `most` are timed; about as fast is within a factor of `WORTH`.

    Args:
        step: A training step.
        most: Largest number of threads.
    """
    with using_threads(most):
        # the first step also sets up kernels, so that of a small network may be long as well
        if _seconds(step) > LARGE_S or _seconds(step) > SMALL_S:
            return most
    counts = sorted({most, *(2**power for power in range(most.bit_length()) if 2**power < most)})
    found = {}
    for threads in counts:
        with using_threads(threads):
            step()
            found[threads] = statistics.median(_seconds(step) for _ in range(REPEATS))
    return next(threads for threads in counts if found[threads] <= WORTH * min(found.values()))


@contextmanager
def using_threads(number: int | None) -> Iterator[None]:
    """Set the number of torch's threads within the block; None leaves it unchanged."""
    before = torch.get_num_threads()
    if number is not None and number != before:
        torch.set_num_threads(number)
    try:
        yield
    finally:
        if torch.get_num_threads() != before:
            torch.set_num_threads(before)


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start
