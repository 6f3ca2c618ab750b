"""Batches of a split as a network wants them.

Invariant: batches of an epoch are even, so that none is too small for batch statistics.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from fwibench.samples import Split
from fwibench.typing import Indices

if TYPE_CHECKING:
    from fwibench.methods.torch_method import TorchMethod

Batch = tuple[Tensor, Tensor]


def count_batches(samples: int, batch_size: int, smallest: int = 1) -> int:
    """Return the number of even batches of at most `batch_size` samples.

    Args:
        samples: How many there are.
        batch_size: Most samples of a batch; exceeded where a batch would be smaller than `smallest` otherwise.
        smallest: Least samples of a batch.
    """
    return min(math.ceil(samples / batch_size), max(samples // smallest, 1))


def even_batches(order: Indices, batch_size: int, smallest: int = 1) -> list[Indices]:
    """Cuts `order` into batches of nearly one size, see `count_batches`."""
    return np.array_split(order, count_batches(len(order), batch_size, smallest))


def needs_pairs(network: nn.Module, inputs: Tensor) -> bool:
    """Return whether a network cannot be trained on one sample: it normalises a layer that has one value a channel.

    Args:
        network: Evaluated once, as for a prediction; nothing in it changes.
        inputs: Of one sample.
    """
    single = False

    def look(module: nn.Module, arguments: tuple[Tensor, ...]) -> None:
        nonlocal single
        single = single or arguments[0].numel() == arguments[0].shape[1]

    handles = [one.register_forward_pre_hook(look) for one in network.modules() if normalises(one)]
    training = network.training
    try:
        with torch.no_grad():
            network.eval()(inputs)
    finally:
        network.train(training)
        for handle in handles:
            handle.remove()
    return single


def normalises(module: nn.Module) -> bool:
    """Return whether a module takes statistics of a batch."""
    return isinstance(module, nn.modules.batchnorm._BatchNorm)


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

    def read(self, rows: Indices) -> Batch:
        """Inputs and normalised targets of some rows, on the method's device."""
        method = self.method
        maps = torch.from_numpy(self.split.properties[rows]).to(method.device)
        target = method.problem.property.normalise(maps)
        if self._encoded is None:
            return method.encode(self.split.measurements[rows]), target
        return self._encoded[torch.from_numpy(rows).to(method.device)], target
