"""The training loop of `TorchMethod`, on Lightning Fabric.

Invariant: batches, weights and history depend on the seeds, the data and the options. A fit that was
killed and goes on from its checkpoint ends, on a CPU, with the very same bits.
"""

from __future__ import annotations

import copy
import math
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor

from fwibench.datasets.arrays import Split
from fwibench.errors import DivergedError
from fwibench.methods.batches import Source, even_batches
from fwibench.methods.checkpoints import Checkpoints
from fwibench.methods.options import TrainingOptions
from fwibench.seeds import derive_seed

if TYPE_CHECKING:
    from fwibench.methods.torch_method import TorchMethod


def make_schedule(optimizer: torch.optim.Optimizer, options: TrainingOptions, steps: int) -> Any:
    """Learning-rate schedule over `steps` optimiser steps in all."""
    schedulers = torch.optim.lr_scheduler
    if options.schedule == "one-cycle":
        return schedulers.OneCycleLR(optimizer, options.learning_rate, total_steps=steps + 1, cycle_momentum=False)
    if options.schedule == "cosine-restarts":
        first = max(5 * steps // options.epochs, 1)
        return schedulers.CosineAnnealingWarmRestarts(optimizer, T_0=first, T_mult=2)
    return schedulers.ConstantLR(optimizer, factor=1.0)


class Trainer:
    """One fit of one method.

    Attributes:
        network: The method's network, wrapped for the device.
        epoch: Epochs finished.
        step_count: Optimiser steps taken.
    """

    def __init__(self, method: TorchMethod) -> None:
        self.method = method
        self.options: TrainingOptions = method.options
        accelerator, _, index = method.context.device.partition(":")
        self.fabric = Fabric(accelerator=accelerator, devices=[int(index)] if index else 1)
        self.epoch = 0
        self.step_count = 0
        self.history: list[dict[str, float]] = []
        self._best: dict[str, Tensor] = {}
        self._best_loss = math.inf

    def step(self, loss: Tensor) -> None:
        """Backward pass, optimiser and schedule.

        Raises:
            DivergedError: The loss is not finite; weights are left as they were.
        """
        if not torch.isfinite(loss):
            raise DivergedError(
                f"loss is {loss.item()} at step {self.step_count} (epoch {self.epoch})",
                "lower the learning rate, or look at the history in the cell's log",
            )
        self.optimizer.zero_grad()
        self.fabric.backward(loss)
        self.optimizer.step()
        self.schedule.step()

    def fit(self, train: Split, val: Split) -> list[dict[str, float]]:
        """Trains to the last epoch, loads the best weights into the network and returns the history.

        "Best" is the least mean absolute error on `val`, whatever the method's own loss is.
        """
        with torch.random.fork_rng():
            self._fit(train, val)
        self.method.network.load_state_dict(self._best)
        self.method.network.eval()
        return self.history

    def _fit(self, train: Split, val: Split) -> None:
        options = self.options
        self._started = time.monotonic()
        self.steps_per_epoch = math.ceil(len(train) / options.batch_size)
        optimizer = torch.optim.AdamW(
            self.method.network.parameters(),
            lr=options.learning_rate,
            betas=(options.beta1, options.beta2),
            weight_decay=options.weight_decay,
        )
        self.schedule = make_schedule(optimizer, options, self.steps_per_epoch * options.epochs)
        checkpoints = Checkpoints(self.method.context.workdir / "checkpoint.pt")
        state = checkpoints.load()
        if state:
            self._restore(state, optimizer)
        self.network, self.optimizer = self.fabric.setup(self.method.network, optimizer)
        if not state:
            torch.manual_seed(self.method.context.seed("augment"))
        train_source, val_source = self._source(train), self._source(val)
        while self.epoch < options.epochs:
            self._run_epoch(train_source, val_source)
            checkpoints.offer(self._state())

    def _run_epoch(self, train: Source, val: Source) -> None:
        start = time.monotonic()
        self.network.train()
        totals: dict[str, Tensor] = {}
        for inputs, target in train.batches(self._order(len(train))):
            self.step_count += 1
            for name, value in self.method.training_step(self, inputs, target).items():
                totals[name] = totals.get(name, torch.zeros_like(value)) + value * len(target)
        entry = {f"train_{name}": float(total) / len(train) for name, total in totals.items()}
        entry["val_loss"] = self._validate(val)
        self.epoch += 1
        if entry["val_loss"] < self._best_loss:
            self._best_loss = entry["val_loss"]
            self._best = copy.deepcopy(self.method.network.state_dict())
        rate = self.optimizer.param_groups[0]["lr"]
        entry |= {"epoch": self.epoch, "learning_rate": rate, "seconds": time.monotonic() - start}
        self.history.append(entry)
        self.method.context.report(step=self.epoch, steps=self.options.epochs, **entry)

    @torch.no_grad()
    def _validate(self, val: Source) -> float:
        self.network.eval()
        losses = [
            float(torch.nn.functional.l1_loss(self.network(inputs), target)) * len(target)
            for inputs, target in val.batches(even_batches(np.arange(len(val)), self.options.batch_size))
        ]
        loss = sum(losses) / len(val)
        if not math.isfinite(loss):
            raise DivergedError(f"validation loss is {loss} after step {self.step_count} (epoch {self.epoch})")
        return loss

    def _order(self, n: int) -> list[NDArray[np.int64]]:
        rng = np.random.default_rng(derive_seed(self.method.context.seed("data"), self.epoch))
        return even_batches(rng.permutation(n), self.options.batch_size)

    def _source(self, split: Split) -> Source:
        return Source(self.method, split, self.options.batch_size)

    def _state(self) -> dict[str, Any]:
        generators = {"cpu": torch.get_rng_state()}
        if self.method.device.type == "cuda":
            generators["cuda"] = torch.cuda.get_rng_state(self.method.device)
        return {
            "network": self.method.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule.state_dict(),
            "best": self._best,
            "best_loss": self._best_loss,
            "epoch": self.epoch,
            "step_count": self.step_count,
            "elapsed": self.method.resumed_s + time.monotonic() - self._started,
            "history": self.history,
            "generators": generators,
        }

    def _restore(self, state: dict[str, Any], optimizer: torch.optim.Optimizer) -> None:
        self.method.network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        self.schedule.load_state_dict(state["schedule"])
        self._best, self.history = state["best"], state["history"]
        self.epoch, self.step_count, self._best_loss = state["epoch"], state["step_count"], state["best_loss"]
        self.method.resumed_s = state["elapsed"]
        torch.set_rng_state(state["generators"]["cpu"])
        if "cuda" in state["generators"] and self.method.device.type == "cuda":
            torch.cuda.set_rng_state(state["generators"]["cuda"], self.method.device)
