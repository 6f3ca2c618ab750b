"""Number formats and random generators of training.

Invariant: float32 means float32. cuDNN would otherwise run convolutions in TF32 unasked; outside the block
the process's settings are as they were.
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
"""Lightning Fabric's names; TF32 is a switch of the GPU's libraries, not of Fabric."""


@contextmanager
def tensor_cores(precision: Precision) -> Iterator[None]:
    """Lets GPU matrix products and convolutions round to TF32 in the block, or forbids it."""
    products, convolutions = torch.backends.cuda.matmul, torch.backends.cudnn
    before = products.allow_tf32, convolutions.allow_tf32
    products.allow_tf32 = convolutions.allow_tf32 = precision == "tf32"
    try:
        yield
    finally:
        products.allow_tf32, convolutions.allow_tf32 = before


@contextmanager
def own_generators(device: torch.device) -> Iterator[None]:
    """Restores torch's random generators of the CPU and of the device after the block.

    Without a choice of devices torch keeps those of every GPU, and warns where there are several.
    """
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        yield
