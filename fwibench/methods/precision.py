"""Number formats and random generators of training.

Invariant: the precision `float32` never uses TF32, which cuDNN enables for convolutions by default. Settings of the
process are restored after each block.
"""

from __future__ import annotations

import logging
import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal, cast, get_args

import torch

from fwibench.methods.context import FIT_PRECISION
from fwibench.specs.method import FitPrecision, Precision

FABRIC: dict[FitPrecision, Literal["32-true", "bf16-mixed"]] = {
    "float32": "32-true",
    "tf32": "32-true",
    "bf16": "bf16-mixed",
}
"""Precision names of Lightning Fabric; TF32 is a setting of the CUDA libraries and not of Fabric."""

WORTH = 1.15
"""Speed-up from which on a less precise format is used."""
REPEATS = 5
"""Most steps that are timed in a format; the median counts."""
MEASURE_S = 0.25
"""Time after which no further step is timed in a format [s]; a step that takes longer is timed once."""
ONEDNN_LIMIT = "ONEDNN_MAX_CPU_ISA"
"""Environment variable that keeps oneDNN, which computes convolutions on a CPU, from instructions that it has."""

log = logging.getLogger(__name__)


def fit_precision(
    chosen: Precision,
    device: torch.device,
    resumed: FitPrecision | None,
    make_step: Callable[[FitPrecision], Callable[[], object]],
) -> FitPrecision:
    """Return the number format of a fit.

    For `auto`, the format of the checkpoint takes precedence, then `FWIBENCH_FIT_PRECISION`. Without either, a training
    step is timed in each format on a GPU, which nobody else uses. On a CPU a timed step would choose by the load of the
    machine, so the processor decides: bf16 where it has matrix units for it.

    Args:
        chosen: The option of the method.
        device: Device of the fit.
        resumed: Format stored in the checkpoint; None without a checkpoint.
        make_step: Makes the training step of a format that is timed.
    """
    if chosen != "auto":
        # a CPU computes in float32 where tf32 is allowed
        return "float32" if chosen == "tf32" and device.type == "cpu" else chosen
    if resumed:
        return resumed
    if (setting := os.environ.get(FIT_PRECISION, "")) in get_args(FitPrecision):
        return fit_precision(cast(Precision, setting), device, None, make_step)
    if device.type == "cpu":
        return "bf16" if has_matrix_units() else "float32"
    with own_generators(device):
        try:
            return fastest(device, make_step)
        except Exception as error:
            # the timed step copies the network and calls `loss`; a method may allow neither and still train
            log.warning("the training step could not be timed, float32 is used: %r", error)
            return "float32"


def fastest(device: torch.device, make_step: Callable[[FitPrecision], Callable[[], object]]) -> FitPrecision:
    """Return the most precise format that is about as fast as the fastest one on a GPU: within a factor of `WORTH`.

    Args:
        device: Device of the steps.
        make_step: Makes a training step in a format.
    """
    found: dict[FitPrecision, float] = {}
    for name in get_args(FitPrecision):
        with tensor_cores(name):
            step = make_step(name)
            # sets up kernels
            _seconds(step, device)
            start, times = time.monotonic(), [_seconds(step, device)]
            while len(times) < REPEATS and time.monotonic() - start < MEASURE_S:
                times.append(_seconds(step, device))
        found[name] = statistics.median(times)
    return next(name for name, seconds in found.items() if seconds <= WORTH * min(found.values()))


def has_matrix_units() -> bool:
    """Return whether the CPU multiplies matrices of bf16 in units made for it (AMX), which its libraries may use.

    Convolutional networks train 1.6 to 2.1 times as fast with them as in float32. Other instructions for bf16 gain less
    than they cost in small networks.
    """
    return torch.cpu._is_amx_tile_supported() and ONEDNN_LIMIT not in os.environ


def memory_format(device: torch.device, precision: FitPrecision) -> torch.memory_format:
    """Return the order of axes in which convolutions train fastest.

    On a CPU, channels last halves the time of gradients, and tensor cores are made for it; without them a GPU takes
    twice as long as with contiguous arrays.
    """
    if device.type == "cuda" and precision == "float32":
        return torch.contiguous_format
    return torch.channels_last


def _seconds(step: Callable[[], object], device: torch.device) -> float:
    start = time.perf_counter()
    step()
    torch.cuda.synchronize(device)
    return time.perf_counter() - start


@contextmanager
def tensor_cores(precision: Precision) -> Iterator[None]:
    """Within the block, allow TF32 in matrix products and convolutions on a GPU for `tf32`, and forbid it otherwise."""
    products, convolutions = torch.backends.cuda.matmul, torch.backends.cudnn
    before = products.allow_tf32, convolutions.allow_tf32
    products.allow_tf32 = convolutions.allow_tf32 = precision == "tf32"
    try:
        yield
    finally:
        products.allow_tf32, convolutions.allow_tf32 = before


@contextmanager
def own_generators(device: torch.device) -> Iterator[None]:
    """Restore torch's random generators of the CPU and of the device after the block."""
    # without a list of devices torch saves the generators of all GPUs, and warns where there are several
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        yield
