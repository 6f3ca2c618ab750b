"""A training step that is timed to choose the number of threads or the precision of a fit."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor, nn

from fwibench.methods.encoded_split import Batch
from fwibench.methods.precision import memory_format
from fwibench.specs.method import FitPrecision


def make_trial_step(
    network: nn.Module, batch: Batch, loss: Callable[[Tensor, Tensor], Tensor], precision: FitPrecision
) -> Callable[[], None]:
    """Return a training step on a copy of a network, to be timed.

    Args:
        network: Network, which does not change.
        batch: Inputs and targets of the step.
        loss: Loss of predictions and targets.
        precision: Number format of the step.
    """
    inputs, target = batch
    network = copy.deepcopy(network)
    network.to(memory_format=memory_format(target.device, precision)).train()  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(network.parameters(), fused=True)

    def step() -> None:
        optimizer.zero_grad()
        with torch.autocast(target.device.type, torch.bfloat16, enabled=precision == "bf16"):
            prediction = network(inputs)
        loss(prediction.to(target.dtype), target).backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    return step
