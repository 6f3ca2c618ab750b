"""The training loop of `TorchMethod`, on Lightning Fabric.

Invariant: batches, weights and history depend on the seeds, the data and the options. A fit that was
killed and goes on from its checkpoint ends, on a CPU, with the very same bits.
"""

from __future__ import annotations

import copy
import math
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from fwibench.errors import DivergedError, UnsuitableError
from fwibench.methods.batches import Source, count_batches, even_batches, needs_pairs, normalises
from fwibench.methods.checkpoints import Checkpoints
from fwibench.methods.precision import FABRIC, own_generators, tensor_cores
from fwibench.methods.threads import fit_threads, using_threads
from fwibench.samples import Split
from fwibench.seeds import derive_seed
from fwibench.specs.method import TrainingOptions
from fwibench.typing import Indices

if TYPE_CHECKING:
    from fwibench.methods.torch_method import TorchMethod

NETWORK = "network"
"""The part that predicts; companions have names of their own."""


@dataclass
class Part:
    """A module in training.

    Attributes:
        plain: The method's own module, whose state is saved.
        module: The same, wrapped for the device and the precision.
    """

    plain: nn.Module
    module: Any
    optimizer: Any
    schedule: Any


def make_schedule(optimizer: torch.optim.Optimizer, options: TrainingOptions, epochs: int, steps: int) -> Any:
    """Learning-rate schedule over so many epochs, `steps` optimiser steps in all."""
    schedulers = torch.optim.lr_scheduler
    if options.schedule == "one-cycle":
        return schedulers.OneCycleLR(optimizer, options.learning_rate, total_steps=steps + 1, cycle_momentum=False)
    if options.schedule == "cosine-restarts":
        first = max(5 * steps // epochs, 1)
        return schedulers.CosineAnnealingWarmRestarts(optimizer, T_0=first, T_mult=2)
    return schedulers.ConstantLR(optimizer, factor=1.0)


class Trainer:
    """One fit of one method.

    Attributes:
        parts: The network and its companions, by name.
        epochs: Epochs of the fit.
        epoch: Epochs finished.
        batch: Number of the running batch in its epoch, from 1.
        batches: Batches of an epoch.
        step_count: Batches in all.
        pieces: Into how many micro-batches a batch is cut, since a whole one did not fit the GPU.
    """

    def __init__(self, method: TorchMethod) -> None:
        self.method = method
        self.options: TrainingOptions = method.options
        accelerator, _, index = method.context.device.partition(":")
        devices = [int(index)] if index else 1
        self.fabric = Fabric(accelerator=accelerator, devices=devices, precision=FABRIC[self.options.precision])
        self.parts: dict[str, Part] = {}
        self.epochs = self.options.epochs
        self.epoch = self.batch = self.batches = self.step_count = 0
        self.pieces = self._merged = 1
        self.history: list[dict[str, float]] = []
        self._piece_share, self._first_piece, self._last_piece = 1.0, True, True
        self._asked: Counter[str] = Counter()
        self._taken: Counter[str] = Counter()
        self._best: dict[str, Tensor] = {}
        self._best_loss = math.inf

    @cached_property
    def smallest(self) -> int:
        """Least samples of a batch: 2 if a batch normalisation would get one value a channel."""
        method = self.method
        sample = np.zeros((1, *method.problem.measurement_shape), np.float32)
        if needs_pairs(method.network, method.encode(sample)):
            return 2
        companions = (module for part in method.companions.values() for module in part.modules())
        return 2 if any(map(normalises, companions)) else 1

    @property
    def network(self) -> Any:
        """The network that predicts, wrapped."""
        return self.parts[NETWORK].module

    def step(self, loss: Tensor, part: str = NETWORK) -> None:
        """Backward pass, optimiser and schedule of one part.

        Of a batch in pieces, gradients add up and the last piece takes the step. A step that the batch has
        taken before memory ran out is not taken again when the batch is repeated.

        Raises:
            DivergedError: The loss is not finite; weights are left as they were.
        """
        if not torch.isfinite(loss):
            raise DivergedError(
                f"loss of the {part} is {loss.item()} at step {self.step_count} (epoch {self.epoch})",
                "lower the learning rate, or look at the history in the cell's log",
            )
        self._asked[part] += 1
        if self._asked[part] <= self._taken[part]:
            return
        trained = self.parts[part]
        if self._first_piece:
            trained.optimizer.zero_grad()
        # of the other parts, through which the loss may reach this one, no gradients are wanted
        own = [weight for weight in trained.plain.parameters() if weight.requires_grad]
        self.fabric.backward(loss * self._piece_share, inputs=own)
        if self._last_piece:
            trained.optimizer.step()
            trained.schedule.step()
            self._taken[part] += 1

    def fit(self, train: Split, val: Split) -> list[dict[str, float]]:
        """Trains to the last epoch, loads the best weights into the network and returns the history.

        "Best" is the least mean absolute error on `val`, whatever the method's own loss is. A fit that is told to
        stop leaves its epoch unfinished; without a finished one the latest weights are kept.
        """
        with own_generators(self.method.device), tensor_cores(self.options.precision):
            self._fit(train, val)
        if self._best:
            self.method.network.load_state_dict(self._best)
        self.method.network.to(memory_format=torch.contiguous_format).eval()  # type: ignore[call-overload]
        return self.history

    def _fit(self, train: Split, val: Split) -> None:
        self._started = time.monotonic()
        self.batches = count_batches(len(train), self.options.batch_size)
        # asked only where it matters
        if len(train) // self.batches < 2 and self.smallest > 1:
            if len(train) < self.smallest:
                raise UnsuitableError(
                    f"{self.method.context.method or type(self.method).__name__} needs {self.smallest} train samples "
                    f"at least for its batch normalisation, there is {len(train)}",
                    "add samples to the train split",
                )
            self._merged = self.smallest
            self.batches = count_batches(len(train), self.options.batch_size, self._merged)
        if self.options.max_batches is not None:
            self.epochs = min(self.epochs, math.ceil(self.options.max_batches / self.batches))
        checkpoints = Checkpoints(self.method.context.workdir / "checkpoint.pt")
        state = checkpoints.load()
        torch.manual_seed(self.method.context.seed("augment"))
        for name, plain in {NETWORK: self.method.network, **self.method.companions}.items():
            self.parts[name] = self._set_up(name, plain, state)
        if state:
            self._restore(state)
        train_source, val_source = self._source(train), self._source(val)
        self.method.fit_threads = fit_threads(self, train_source, state.get("threads") if state else None)
        with using_threads(self.method.fit_threads):
            while self.epoch < self.epochs and self._run_epoch(train_source, val_source):
                checkpoints.offer(self._state())

    def _set_up(self, name: str, plain: nn.Module, state: dict[str, Any] | None) -> Part:
        options = self.options
        # channels last: gradients of convolutions take half the time on a CPU, and tensor cores want it so
        plain.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        optimizer = torch.optim.AdamW(
            plain.parameters(),
            lr=options.learning_rate,
            betas=(options.beta1, options.beta2),
            weight_decay=options.weight_decay,
            fused=True,
        )
        steps = self.method.updates_per_epoch(name, self.batches) * self.epochs
        schedule = make_schedule(optimizer, options, self.epochs, steps)
        if state:
            saved = state["parts"][name]
            plain.load_state_dict(saved["module"])
            optimizer.load_state_dict(saved["optimizer"])
            schedule.load_state_dict(saved["schedule"])
        module, wrapped = self.fabric.setup(plain, optimizer)
        return Part(plain, module, wrapped, schedule)

    def _run_epoch(self, train: Source, val: Source) -> bool:
        """One pass over `train`; False if there was no time to finish it."""
        start = time.monotonic()
        for part in self.parts.values():
            part.module.train()
        totals: defaultdict[str, list[tuple[Tensor, int]]] = defaultdict(list)
        for number, rows in enumerate(self._order(len(train)), 1):
            if self.method.context.should_stop():
                return False
            self.batch = number
            self.step_count += 1
            for scalars, size in self._run_batch(train, rows):
                for name, value in scalars.items():
                    totals[name].append((value, size))
        entry = {f"train_{name}": _weighted_mean(parts) for name, parts in totals.items()}
        entry["val_loss"] = self._validate(val)
        self.epoch += 1
        if entry["val_loss"] < self._best_loss:
            self._best_loss = entry["val_loss"]
            self._best = copy.deepcopy(self.method.network.state_dict())
        rate = self.parts[NETWORK].optimizer.param_groups[0]["lr"]
        entry |= {"epoch": self.epoch, "learning_rate": rate, "seconds": time.monotonic() - start}
        self.history.append(entry)
        self.method.context.report(step=self.epoch, steps=self.epochs, **entry)
        return True

    def _run_batch(self, train: Source, rows: Indices) -> list[tuple[dict[str, Tensor], int]]:
        """One batch; where the GPU's memory is too small for it, in twice as many pieces as before.

        The effective batch stays the same. Batch statistics are those of a piece.
        """
        self._taken.clear()
        while True:
            most = len(rows) if self.pieces == 1 else max(len(rows) // self.smallest, 1)
            pieces = np.array_split(rows, min(self.pieces, most))
            try:
                return [self._run_piece(train, i, pieces) for i in range(len(pieces))]
            except torch.OutOfMemoryError:
                if self.pieces >= max(len(rows) // self.smallest, 1):
                    raise
                self.pieces *= 2
            torch.cuda.empty_cache()

    def _run_piece(self, train: Source, number: int, pieces: list[Indices]) -> tuple[dict[str, Tensor], int]:
        rows = pieces[number]
        self._asked.clear()
        self._first_piece, self._last_piece = number == 0, number == len(pieces) - 1
        self._piece_share = len(rows) / sum(map(len, pieces))
        inputs, target = train.read(rows)
        return self.method.training_step(self, inputs, target), len(rows)

    @torch.no_grad()
    def _validate(self, val: Source) -> float:
        self.network.eval()
        losses = [
            float(torch.nn.functional.l1_loss(self.network(inputs), target)) * len(target)
            for inputs, target in map(val.read, even_batches(np.arange(len(val)), self.options.batch_size))
        ]
        loss = sum(losses) / len(val)
        if not math.isfinite(loss):
            raise DivergedError(f"validation loss is {loss} after step {self.step_count} (epoch {self.epoch})")
        return loss

    def _order(self, n: int) -> list[Indices]:
        rng = np.random.default_rng(derive_seed(self.method.context.seed("data"), self.epoch))
        return even_batches(rng.permutation(n), self.options.batch_size, self._merged)

    def _source(self, split: Split) -> Source:
        return Source(self.method, split, self.options.batch_size)

    def _state(self) -> dict[str, Any]:
        generators = {"cpu": torch.get_rng_state()}
        if self.method.device.type == "cuda":
            generators["cuda"] = torch.cuda.get_rng_state(self.method.device)
        return {
            "parts": {
                name: {
                    "module": part.plain.state_dict(),
                    "optimizer": part.optimizer.state_dict(),
                    "schedule": part.schedule.state_dict(),
                }
                for name, part in self.parts.items()
            },
            "best": self._best,
            "best_loss": self._best_loss,
            "epoch": self.epoch,
            "step_count": self.step_count,
            "pieces": self.pieces,
            "threads": self.method.fit_threads,
            "elapsed": self.method.resumed_s + time.monotonic() - self._started,
            "history": self.history,
            "generators": generators,
        }

    def _restore(self, state: dict[str, Any]) -> None:
        self._best, self.history = state["best"], state["history"]
        self.epoch, self.step_count, self._best_loss = state["epoch"], state["step_count"], state["best_loss"]
        self.pieces = state["pieces"]
        self.method.resumed_s = state["elapsed"]
        torch.set_rng_state(state["generators"]["cpu"])
        if "cuda" in state["generators"] and self.method.device.type == "cuda":
            torch.cuda.set_rng_state(state["generators"]["cuda"], self.method.device)


def _weighted_mean(parts: list[tuple[Tensor, int]]) -> float:
    """Mean of `(value, samples)`; read from the device once, at the end of an epoch."""
    total = torch.stack([value * samples for value, samples in parts]).sum()
    return float(total) / sum(samples for _, samples in parts)
