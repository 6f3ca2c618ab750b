"""Batches, epochs and learning rates of a fit.

Invariant: this module is light, since planning needs it too: torch is imported where a schedule is made.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from fwibench.specs.method import TrainingOptions

if TYPE_CHECKING:
    from torch.optim import Optimizer


def count_batches(samples: int, batch_size: int, smallest: int = 1, *, drop_last: bool = False) -> int:
    """Return the number of batches of an epoch.

    Args:
        samples: Number of samples.
        batch_size: Largest size of a batch; exceeded where a batch would be smaller than `smallest` otherwise.
        smallest: Smallest size of a batch.
        drop_last: Whether all batches are full; a split that fills none is divided as without it.

    Returns:
        Number of batches; 0 without samples.
    """
    if drop_last and samples >= max(batch_size, smallest):
        return samples // max(batch_size, smallest)
    return min(math.ceil(samples / batch_size), max(samples // smallest, 1))


def count_epochs(options: TrainingOptions, batches: int) -> int:
    """Return the number of epochs of a fit without a time budget.

    `min_batches` raises the option `epochs`, then `max_batches` limits them.

    Args:
        options: Options of the training.
        batches: Number of batches of an epoch, at least 1.
    """
    epochs = options.epochs
    if options.min_batches is not None:
        epochs = max(epochs, math.ceil(options.min_batches / batches))
    if options.max_batches is not None:
        epochs = min(epochs, math.ceil(options.max_batches / batches))
    return epochs


def make_schedule(optimizer: Optimizer, options: TrainingOptions, per_epoch: int, steps: int) -> Any:
    """Return the learning-rate schedule of an optimiser.

    Args:
        optimizer: Its learning rate is the highest one.
        options: Name the schedule and its parameters.
        per_epoch: Optimiser steps of an epoch.
        steps: Optimiser steps in all epochs together.
    """
    from torch.optim import lr_scheduler

    if options.schedule == "one-cycle":
        return lr_scheduler.OneCycleLR(optimizer, options.learning_rate, total_steps=steps + 1, cycle_momentum=False)
    if options.schedule == "cosine-restarts":
        return lr_scheduler.CosineAnnealingWarmRestarts(
            optimizer,
            T_0=max(options.restart_epochs * per_epoch, 1),
            T_mult=options.restart_factor,
            eta_min=options.min_learning_rate,
        )
    return lr_scheduler.ConstantLR(optimizer, factor=1.0)
