"""Number formats and random generators of training.

Invariant: the precision `float32` never uses TF32, which cuDNN enables for convolutions by default. Settings of the
process are restored after each block.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch

from fwibench.specs.method import Precision

FABRIC: dict[Precision, Literal["32-true", "bf16-mixed"]] = {
    "float32": "32-true",
    "tf32": "32-true",
    "bf16": "bf16-mixed",
}
"""Precision names of Lightning Fabric; TF32 is a setting of the CUDA libraries and not of Fabric."""


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
