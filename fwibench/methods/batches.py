"""The batches of a fit.

Invariant: batches of an epoch differ in size by one sample at most, so that none is too small for batch statistics.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from fwibench.methods.schedules import count_batches, count_epochs
from fwibench.specs.method import TrainingOptions
from fwibench.typing import Indices


def even_batches(order: Indices, batch_size: int, smallest: int = 1, *, drop_last: bool = False) -> list[Indices]:
    """Divide sample numbers into even batches.

    Args:
        order: Sample numbers `(n,)`, `n` at least 1.
        batch_size: See `count_batches`.
        smallest: See `count_batches`.
        drop_last: Whether the samples that fill no batch are left out; see `count_batches`.

    Returns:
        The batches, in the given order.
    """
    count, size = count_batches(len(order), batch_size, smallest, drop_last=drop_last), max(batch_size, smallest)
    return np.array_split(order[: count * size] if drop_last else order, count)


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


@dataclass
class BatchPlan:
    """Number of batches of a fit, and the samples of each.

    Attributes:
        samples: Number of train samples.
        options: Options of the training.
        smallest: Smallest size of a batch.
        chosen: Number of batches that was chosen for a time budget; None: the options tell the epochs.
    """

    samples: int
    options: TrainingOptions
    smallest: int = 1
    chosen: int | None = None

    @property
    def per_epoch(self) -> int:
        """Number of batches of an epoch; the last epoch of a time budget may have fewer."""
        options = self.options
        return count_batches(self.samples, options.batch_size, self.smallest, drop_last=options.drop_last)

    @property
    def total(self) -> int:
        """Number of batches of all epochs."""
        return self.chosen or self.per_epoch * count_epochs(self.options, self.per_epoch)

    @property
    def epochs(self) -> int:
        """Number of epochs."""
        return math.ceil(self.total / self.per_epoch)

    def count_steps(self, updates: Callable[[int], int]) -> tuple[int, int]:
        """Return the optimiser steps of an epoch, and of all epochs together.

        Args:
            updates: Returns the optimiser steps of an epoch of some batches.
        """
        epochs, rest = divmod(self.total, self.per_epoch)
        per_epoch = updates(self.per_epoch)
        return per_epoch, epochs * per_epoch + (updates(rest) if rest else 0)

    def divide(self, epoch: int, seed: int) -> list[Indices]:
        """Return the sample numbers of each batch of an epoch.

        Args:
            epoch: Number of the epoch, from 0.
            seed: Random seed of its order.
        """
        order, options = np.random.default_rng(seed).permutation(self.samples), self.options
        batches = even_batches(order, options.batch_size, self.smallest, drop_last=options.drop_last)
        return batches[: max(self.total - epoch * self.per_epoch, 0)]
