"""How many threads a fit on a CPU takes.

Invariant: with a given number of threads a fit has the same bits, however that number was found. Finding it leaves
weights and random generators as they were.
"""

from __future__ import annotations

import copy
import logging
import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import torch

from fwibench.methods.batches import Source
from fwibench.methods.context import FIT_THREADS
from fwibench.methods.precision import own_generators

if TYPE_CHECKING:
    from fwibench.methods.training import Trainer

SMALL_S = 0.1
"""Longest step of a small network [s]. Longer ones gain from every thread: their parallel sections outlast waiting."""
LARGE_S = 2.0
"""Longest first step that is worth a second one [s]."""
REPEATS = 5
WORTH = 1.15
"""More threads are taken only where they are so many times faster: fewer depend less on what else runs."""

log = logging.getLogger(__name__)


def fit_threads(trainer: Trainer, source: Source, resumed: int | None) -> int | None:
    """Return the number of threads of a fit; None on a GPU, where it does not matter.

    That of the checkpoint comes first, then `FWIBENCH_FIT_THREADS`, then `OMP_NUM_THREADS` or `MKL_NUM_THREADS`. Where
    the user set none of them, one training step is measured with several numbers.

    Args:
        trainer: Of the fit.
        source: Its train samples.
        resumed: Number that the checkpoint says, if the fit goes on from one.
    """
    if trainer.method.device.type != "cpu":
        return None
    if resumed:
        return resumed
    present = torch.get_num_threads()
    wanted = os.environ.get(FIT_THREADS, "")
    if wanted.isdecimal() and int(wanted) > 0:
        return int(wanted)
    if present == 1 or "OMP_NUM_THREADS" in os.environ or "MKL_NUM_THREADS" in os.environ:
        return present
    with own_generators(trainer.method.device):
        try:
            return fastest(_step_of(trainer, source), present)
        except Exception as error:
            # a network that cannot be copied, or a loss of other arguments: nothing that the fit itself must mind
            log.warning("the number of threads could not be measured, %d are taken: %r", present, error)
            return present


def fastest(step: Callable[[], object], most: int) -> int:
    """Return the fewest threads, of powers of two and `most`, that are about as fast as the best.

    Args:
        step: One training step.
        most: Threads there are.
    """
    with using_threads(most):
        # the first step also prepares kernels, so it may be long in a small network too
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
    """Runs a block with so many threads of torch; None leaves them as they are."""
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


def _step_of(trainer: Trainer, source: Source) -> Callable[[], object]:
    """A training step on a copy of the network, with the first batch in order of the split."""
    method = trainer.method
    network = copy.deepcopy(method.network).to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(network.parameters(), fused=True)
    inputs, target = source.read(np.arange(min(method.options.batch_size, len(source))))

    def step() -> None:
        optimizer.zero_grad()
        with trainer.fabric.autocast():
            loss = method.loss(network(inputs), target)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    return step
