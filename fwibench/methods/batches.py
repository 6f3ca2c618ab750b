"""Batches of network inputs and normalised targets.

Invariant: batches of an epoch differ in size by one sample at most, so that none is too small for batch statistics.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from fwibench.problem import Property
from fwibench.samples import Split
from fwibench.typing import Array32, Indices

Batch = tuple[Tensor, Tensor]
Encode = Callable[[Array32], Tensor]
"""Turns raw measurements `(n, S, T, R)` into network inputs on the device of training."""


def count_batches(samples: int, batch_size: int, smallest: int = 1) -> int:
    """Return the number of even batches of at most `batch_size` samples.

    Args:
        samples: Number of samples.
        batch_size: Largest size of a batch; exceeded where a batch would be smaller than `smallest` otherwise.
        smallest: Smallest size of a batch.

    Returns:
        Number of batches; 0 without samples.
    """
    return min(math.ceil(samples / batch_size), max(samples // smallest, 1))


def even_batches(order: Indices, batch_size: int, smallest: int = 1) -> list[Indices]:
    """Divide sample numbers into even batches.

    Args:
        order: Sample numbers `(n,)`, `n` at least 1.
        batch_size: See `count_batches`.
        smallest: See `count_batches`.

    Returns:
        The batches, in the given order.
    """
    return np.array_split(order, count_batches(len(order), batch_size, smallest))


def needs_pairs(network: nn.Module, inputs: Tensor) -> bool:
    """Return whether batch normalisation of a network needs two samples: a layer has one value per channel.

    Args:
        network: Evaluated once in evaluation mode; its state does not change.
        inputs: Network inputs of one sample.
    """
    single = False

    def inspect(module: nn.Module, arguments: tuple[Tensor, ...]) -> None:
        nonlocal single
        single = single or arguments[0].numel() == arguments[0].shape[1]

    handles = [one.register_forward_pre_hook(inspect) for one in network.modules() if is_batch_norm(one)]
    training = network.training
    try:
        with torch.no_grad():
            network.eval()(inputs)
    finally:
        network.train(training)
        for handle in handles:
            handle.remove()
    return single


def is_batch_norm(module: nn.Module) -> bool:
    """Return whether a module normalises by the statistics of a batch."""
    return isinstance(module, nn.modules.batchnorm._BatchNorm)


class EncodedSplit:
    """Network inputs and normalised targets of a split.

    Args:
        split: The samples.
        encode: See `Encode`.
        target: The property, whose bounds normalise the targets.
        device: Device of the targets.
        chunk: Number of samples encoded at once to keep the inputs of the whole split in memory; None: every batch is
            encoded when it is read.
    """

    def __init__(
        self, split: Split, encode: Encode, target: Property, device: torch.device, chunk: int | None = None
    ) -> None:
        self.split = split
        self._encode, self._target, self._device = encode, target, device
        self._encoded: Tensor | None = None
        if chunk is not None:
            chunks = even_batches(np.arange(len(split)), chunk)
            self._encoded = torch.cat([encode(split.measurements[rows]) for rows in chunks])

    def __len__(self) -> int:
        return len(self.split)

    def read(self, rows: Indices) -> Batch:
        """Return inputs `(n, ...)` and normalised targets `(n, 1, Z, X)` of some rows."""
        maps = torch.from_numpy(self.split.properties[rows]).to(self._device)
        target = self._target.normalise(maps)
        if self._encoded is None:
            return self._encode(self.split.measurements[rows]), target
        return self._encoded[torch.from_numpy(rows).to(self._device)], target
