"""Parts of a training: a network and its companions, each with an optimiser and a learning-rate schedule."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, cast

import torch
from lightning_fabric import Fabric
from torch import nn
from torch.optim.lr_scheduler import ConstantLR

from fwibench.methods.distributed import Peers
from fwibench.methods.precision import memory_format
from fwibench.methods.schedules import make_schedule
from fwibench.specs.method import FitPrecision, TrainingOptions


@dataclass
class Part:
    """A module in training.

    Attributes:
        plain: The method's own module, whose state is saved.
        module: The same module, wrapped for the devices and the precision.
        optimizer: Its optimiser, wrapped likewise.
        schedule: Its learning-rate schedule.
    """

    plain: nn.Module
    module: Any
    optimizer: Any
    schedule: Any

    def state(self) -> dict[str, Any]:
        """Return the states of module, optimiser and schedule, which share memory with them."""
        return {
            "module": self.plain.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
        }

    def start_schedule(self, options: TrainingOptions, per_epoch: int, steps: int) -> None:
        """Start the learning-rate schedule.

        Args:
            options: See `make_schedule`.
            per_epoch: See `make_schedule`.
            steps: See `make_schedule`.
        """
        self.schedule = make_schedule(self.optimizer.optimizer, options, per_epoch, steps)

    def hold_rate(self) -> None:
        """Keep the present learning rate until a schedule is started."""
        self.schedule = ConstantLR(self.optimizer.optimizer, factor=1.0)

    def resume(self, state: dict[str, Any]) -> None:
        """Continue from what `state` returned, once the schedule is started."""
        self.plain.load_state_dict(state["module"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])

    def snapshot(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return copies of the states of module and optimiser, in every process of a fit."""
        return copy.deepcopy(self.plain.state_dict()), copy.deepcopy(self.optimizer.optimizer.state_dict())

    def rewind(self, snapshot: tuple[dict[str, Any], dict[str, Any]]) -> None:
        """Return to a snapshot; the schedule has to be started again."""
        self.plain.load_state_dict(snapshot[0])
        self.optimizer.load_state_dict(snapshot[1])


def make_part(plain: nn.Module, options: TrainingOptions, fabric: Fabric, peers: Peers) -> Part:
    """Return a part with an AdamW optimiser, whose learning rate is constant until a schedule is started.

    Args:
        plain: Module to train, on the device of the fit.
        options: Options of the training; `precision` is not `auto`.
        fabric: Fabric of the fit, launched if there are several devices.
        peers: Processes of the fit.
    """
    precision = cast(FitPrecision, options.precision)
    plain.to(memory_format=memory_format(fabric.device, precision))  # type: ignore[call-overload]
    optimizer = torch.optim.AdamW(
        plain.parameters(),
        lr=options.learning_rate,
        betas=(options.beta1, options.beta2),
        weight_decay=options.weight_decay,
        fused=True,
    )
    module, wrapped = fabric.setup(peers.synchronise(plain), optimizer)
    return Part(plain, module, wrapped, ConstantLR(optimizer, factor=1.0))
