"""Batches of a split as a network wants them.

Invariant: batches of an epoch are even, so that none is too small for batch statistics.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fwibench.datasets.arrays import Split

if TYPE_CHECKING:
    from fwibench.methods.torch_method import TorchMethod

Batch = tuple[Tensor, Tensor]


def even_batches(order: NDArray[np.int64], batch_size: int) -> list[NDArray[np.int64]]:
    """Cuts `order` into batches of nearly one size, so that none is too small for batch statistics."""
    return np.array_split(order, math.ceil(len(order) / batch_size))


class Source:
    """Encodings, computed once or batch by batch, and normalised targets of a split.

    Args:
        method: Encodes, and says whether encodings are few enough to keep.
        split: Where samples come from.
        batch_size: Samples that are read at once.
    """

    def __init__(self, method: TorchMethod, split: Split, batch_size: int) -> None:
        self.method = method
        self.split = split
        self._encoded: Tensor | None = None
        if method.encode_once:
            every = even_batches(np.arange(len(split)), batch_size)
            self._encoded = torch.cat([method.encode(split.measurements[rows]) for rows in every])

    def __len__(self) -> int:
        return len(self.split)

    def read(self, rows: NDArray[np.int64]) -> Batch:
        """Inputs and normalised targets of some rows, on the method's device."""
        method = self.method
        maps = torch.from_numpy(self.split.properties[rows]).to(method.device)
        target = method.problem.property.normalise(maps)
        if self._encoded is None:
            return method.encode(self.split.measurements[rows]), target
        return self._encoded[torch.from_numpy(rows).to(method.device)], target
