"""The batches of an epoch.

Invariant: batches of an epoch differ in size by one sample at most, so that none is too small for batch statistics.
"""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

from fwibench.typing import Indices


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
