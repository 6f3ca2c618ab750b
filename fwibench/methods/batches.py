"""Batches of a split as a network wants them.

Invariant: batches of an epoch are even, so that none is too small for batch statistics.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
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
    """Encodings and normalised targets of a split, computed once or batch by batch.

    Args:
        method: Encodes, and says whether encodings are few enough to keep.
        split: Where samples come from.
        batch_size: Samples that are read at once.
    """

    def __init__(self, method: TorchMethod, split: Split, batch_size: int) -> None:
        self.method = method
        self.split = split
        self._cached: Batch | None = None
        if method.encode_once:
            parts = [self._read(rows) for rows in even_batches(np.arange(len(split)), batch_size)]
            inputs, targets = zip(*parts, strict=True)
            self._cached = torch.cat(inputs), torch.cat(targets)

    def __len__(self) -> int:
        return len(self.split)

    def batches(self, order: list[NDArray[np.int64]]) -> Iterator[Batch]:
        """Yields inputs and normalised targets, on the method's device, for each list of rows."""
        for rows in order:
            if self._cached is None:
                yield self._read(rows)
            else:
                index = torch.from_numpy(rows).to(self.method.device)
                yield self._cached[0][index], self._cached[1][index]

    def _read(self, rows: NDArray[np.int64]) -> Batch:
        targets = torch.from_numpy(self.split.properties[rows]).to(self.method.device)
        return self.method.encode(self.split.measurements[rows]), self.method.problem.property.normalise(targets)
