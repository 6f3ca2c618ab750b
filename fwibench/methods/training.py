"""The training loop of `TorchMethod`, on Lightning Fabric.

Invariant: batches, weights and history depend on the random seeds, the data and the options alone. On a CPU a fit that
was killed and continues from its checkpoint ends with the same bits as an uninterrupted one.
"""

from __future__ import annotations

import copy
import math
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from lightning_fabric.plugins.environments.lightning import LightningEnvironment
from torch import Tensor, nn

from fwibench.errors import DivergedError, UnsuitableError
from fwibench.methods.batches import Encode, EncodedSplit, count_batches, even_batches, is_batch_norm, needs_pairs
from fwibench.methods.checkpoints import Checkpoints
from fwibench.methods.context import RunContext
from fwibench.methods.precision import FABRIC, own_generators, tensor_cores
from fwibench.methods.threads import fit_threads, using_threads
from fwibench.problem import Problem
from fwibench.samples import Split
from fwibench.seeds import derive_seed
from fwibench.specs.method import TrainingOptions
from fwibench.typing import Indices

NETWORK = "network"
"""Name of the part that predicts; companions have other names."""


@dataclass
class Part:
    """A module in training.

    Attributes:
        plain: The method's own module, whose state is saved.
        module: The same module, wrapped for the device and the precision.
        optimizer: Its optimiser, wrapped likewise.
        schedule: Its learning-rate schedule.
    """

    plain: nn.Module
    module: Any
    optimizer: Any
    schedule: Any


@dataclass(frozen=True)
class TrainingHooks:
    """The part of training that a method defines.

    Attributes:
        encode: Turns measurements into network inputs.
        encode_once: Whether the inputs of a whole split are kept in memory.
        step: `TorchMethod.training_step`.
        loss: `TorchMethod.loss`.
        updates_per_epoch: `TorchMethod.updates_per_epoch`.
    """

    encode: Encode
    encode_once: bool
    step: Callable[[Trainer, Tensor, Tensor], dict[str, Tensor]]
    loss: Callable[[Tensor, Tensor], Tensor]
    updates_per_epoch: Callable[[str, int], int]


def make_schedule(optimizer: torch.optim.Optimizer, options: TrainingOptions, epochs: int, steps: int) -> Any:
    """Return the learning-rate schedule of an optimiser.

    Args:
        optimizer: Its learning rate is the highest one.
        options: Name the schedule and the highest learning rate.
        epochs: Number of epochs.
        steps: Optimiser steps in all epochs together.
    """
    schedulers = torch.optim.lr_scheduler
    if options.schedule == "one-cycle":
        return schedulers.OneCycleLR(optimizer, options.learning_rate, total_steps=steps + 1, cycle_momentum=False)
    if options.schedule == "cosine-restarts":
        first = max(5 * steps // epochs, 1)
        return schedulers.CosineAnnealingWarmRestarts(optimizer, T_0=first, T_mult=2)
    return schedulers.ConstantLR(optimizer, factor=1.0)


class Trainer:
    """One fit of a network and its companions.

    Args:
        modules: The network, named `NETWORK`, and its companions, by name.
        problem: Shape of the measurements and bounds of the property.
        options: Options of the training.
        context: Device, random seeds, working folder and deadline.
        hooks: What the method defines.

    Attributes:
        parts: The modules in training, by name; empty before `fit`.
        epochs: Number of epochs of the fit.
        epoch: Number of finished epochs.
        batch: Number of the current batch in its epoch, from 1.
        batches: Number of batches of an epoch.
        step_count: Number of batches so far.
        pieces: Number of micro-batches that a batch is divided into, because a whole one exceeded the GPU's memory.
        fit_threads: Number of threads of the fit; None on a GPU.
        resumed_s: Seconds that earlier attempts took for the epochs that this fit continues from.
    """

    def __init__(
        self,
        modules: Mapping[str, nn.Module],
        problem: Problem,
        options: TrainingOptions,
        context: RunContext,
        hooks: TrainingHooks,
    ) -> None:
        self.problem, self.options, self.context, self.hooks = problem, options, context, hooks
        self.device = torch.device(context.device)
        self._modules = dict(modules)
        accelerator, _, index = context.device.partition(":")
        devices = [int(index)] if index else 1
        precision = FABRIC[self.options.precision]
        # a cell in a job of SLURM, MPI or torchrun is no task of it: Fabric would wait for the others
        alone = LightningEnvironment()
        self.fabric = Fabric(accelerator=accelerator, devices=devices, precision=precision, plugins=[alone])
        self.parts: dict[str, Part] = {}
        self.epochs = self.options.epochs
        self.epoch = self.batch = self.batches = self.step_count = 0
        self.pieces = self._merged = 1
        self.history: list[dict[str, float]] = []
        self.fit_threads: int | None = None
        self.resumed_s = 0.0
        self._piece_share, self._first_piece, self._last_piece = 1.0, True, True
        self._asked: Counter[str] = Counter()
        self._taken: Counter[str] = Counter()
        self._best: dict[str, Tensor] = {}
        self._best_loss = math.inf

    @cached_property
    def smallest(self) -> int:
        """Smallest batch: 2 where a batch normalisation would otherwise get one value per channel, else 1."""
        sample = np.zeros((1, *self.problem.measurement_shape), np.float32)
        if needs_pairs(self._modules[NETWORK], self.hooks.encode(sample)):
            return 2
        companions = (one for name, part in self._modules.items() if name != NETWORK for one in part.modules())
        return 2 if any(map(is_batch_norm, companions)) else 1

    @property
    def network(self) -> Any:
        """The network that predicts, wrapped for the device and the precision."""
        return self.parts[NETWORK].module

    def step(self, loss: Tensor, part: str = NETWORK) -> None:
        """Backpropagate a loss and take a step of the optimiser and the schedule of one part.

        Gradients of micro-batches add up and the last one takes the step. When a batch is repeated because memory ran
        out, steps already taken are skipped.

        Args:
            loss: Scalar loss.
            part: Name of the part that learns.

        Raises:
            DivergedError: The loss is not finite; the weights are unchanged.
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
        # backpropagate into this part only, also where the loss depends on other parts
        own = [weight for weight in trained.plain.parameters() if weight.requires_grad]
        self.fabric.backward(loss * self._piece_share, inputs=own)
        if self._last_piece:
            trained.optimizer.step()
            trained.schedule.step()
            self._taken[part] += 1

    def fit(self, train: Split, val: Split) -> list[dict[str, float]]:
        """Train to the last epoch and load the best weights into the network.

        The best weights have the smallest mean absolute error on `val`, whatever the method's own loss is. At the
        deadline the current epoch is abandoned; without a finished epoch the latest weights are kept.

        Returns:
            One entry per epoch: losses, learning rate and seconds.
        """
        network = self._modules[NETWORK]
        with own_generators(self.device), tensor_cores(self.options.precision):
            self._fit(train, val)
        if self._best:
            network.load_state_dict(self._best)
        network.to(memory_format=torch.contiguous_format).eval()  # type: ignore[call-overload]
        return self.history

    def _fit(self, train: Split, val: Split) -> None:
        self._started = time.monotonic()
        self.batches = count_batches(len(train), self.options.batch_size)
        # `smallest` evaluates the network, so it is computed only where a batch of one sample would occur
        if len(train) // self.batches < 2 and self.smallest > 1:
            if len(train) < self.smallest:
                raise UnsuitableError(
                    f"{self.context.method or 'the method'} needs at least {self.smallest} train samples for its "
                    f"batch normalisation, there is {len(train)}",
                    "add samples to the train split",
                )
            self._merged = self.smallest
            self.batches = count_batches(len(train), self.options.batch_size, self._merged)
        if self.options.max_batches is not None:
            self.epochs = min(self.epochs, math.ceil(self.options.max_batches / self.batches))
        checkpoints = Checkpoints(self.context.workdir / "checkpoint.pt")
        state = checkpoints.load()
        torch.manual_seed(self.context.seed("augment"))
        for name, plain in self._modules.items():
            self.parts[name] = self._set_up(name, plain, state)
        if state:
            self._restore(state)
        encoded = self._encode(train), self._encode(val)
        resumed = state.get("threads") if state else None
        self.fit_threads = fit_threads(self.device, resumed, lambda: self._step_to_time(encoded[0]))
        with using_threads(self.fit_threads):
            while self.epoch < self.epochs and self._run_epoch(*encoded):
                checkpoints.offer(self._state())

    def _set_up(self, name: str, plain: nn.Module, state: dict[str, Any] | None) -> Part:
        options = self.options
        # channels last halves the time of convolution gradients on a CPU, and tensor cores are made for it
        plain.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        optimizer = torch.optim.AdamW(
            plain.parameters(),
            lr=options.learning_rate,
            betas=(options.beta1, options.beta2),
            weight_decay=options.weight_decay,
            fused=True,
        )
        steps = self.hooks.updates_per_epoch(name, self.batches) * self.epochs
        schedule = make_schedule(optimizer, options, self.epochs, steps)
        if state:
            saved = state["parts"][name]
            plain.load_state_dict(saved["module"])
            optimizer.load_state_dict(saved["optimizer"])
            schedule.load_state_dict(saved["schedule"])
        module, wrapped = self.fabric.setup(plain, optimizer)
        return Part(plain, module, wrapped, schedule)

    def _run_epoch(self, train: EncodedSplit, val: EncodedSplit) -> bool:
        """Train for one epoch; return False if the deadline passed before its end."""
        start = time.monotonic()
        for part in self.parts.values():
            part.module.train()
        totals: defaultdict[str, list[tuple[Tensor, int]]] = defaultdict(list)
        for number, rows in enumerate(self._order(len(train)), 1):
            if self.context.should_stop():
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
            self._best = copy.deepcopy(self._modules[NETWORK].state_dict())
        rate = self.parts[NETWORK].optimizer.param_groups[0]["lr"]
        entry |= {"epoch": self.epoch, "learning_rate": rate, "seconds": time.monotonic() - start}
        self.history.append(entry)
        self.context.report(step=self.epoch, steps=self.epochs, **entry)
        return True

    def _run_batch(self, train: EncodedSplit, rows: Indices) -> list[tuple[dict[str, Tensor], int]]:
        """Learn from one batch; where it exceeds the GPU's memory, in twice as many micro-batches as before.

        The effective batch size stays the same. Batch statistics are those of a micro-batch.
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

    def _run_piece(self, train: EncodedSplit, number: int, pieces: list[Indices]) -> tuple[dict[str, Tensor], int]:
        rows = pieces[number]
        self._asked.clear()
        self._first_piece, self._last_piece = number == 0, number == len(pieces) - 1
        self._piece_share = len(rows) / sum(map(len, pieces))
        inputs, target = train.read(rows)
        return self.hooks.step(self, inputs, target), len(rows)

    @torch.no_grad()
    def _validate(self, val: EncodedSplit) -> float:
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
        rng = np.random.default_rng(derive_seed(self.context.seed("data"), self.epoch))
        return even_batches(rng.permutation(n), self.options.batch_size, self._merged)

    def _encode(self, split: Split) -> EncodedSplit:
        chunk = self.options.batch_size if self.hooks.encode_once else None
        return EncodedSplit(split, self.hooks.encode, self.problem.property, self.device, chunk)

    def _step_to_time(self, train: EncodedSplit) -> Callable[[], object]:
        """Return a training step on a copy of the network, with the first batch of the split."""
        network = copy.deepcopy(self._modules[NETWORK])
        network.to(memory_format=torch.channels_last).train()  # type: ignore[call-overload]
        optimizer = torch.optim.AdamW(network.parameters(), fused=True)
        inputs, target = train.read(np.arange(min(self.options.batch_size, len(train))))

        def step() -> None:
            optimizer.zero_grad()
            with self.fabric.autocast():
                loss = self.hooks.loss(network(inputs), target)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()

        return step

    def _state(self) -> dict[str, Any]:
        generators = {"cpu": torch.get_rng_state()}
        if self.device.type == "cuda":
            generators["cuda"] = torch.cuda.get_rng_state(self.device)
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
            "threads": self.fit_threads,
            "elapsed": self.resumed_s + time.monotonic() - self._started,
            "history": self.history,
            "generators": generators,
        }

    def _restore(self, state: dict[str, Any]) -> None:
        self._best, self.history = state["best"], state["history"]
        self.epoch, self.step_count, self._best_loss = state["epoch"], state["step_count"], state["best_loss"]
        self.pieces = state["pieces"]
        self.resumed_s = state["elapsed"]
        torch.set_rng_state(state["generators"]["cpu"])
        if "cuda" in state["generators"] and self.device.type == "cuda":
            torch.cuda.set_rng_state(state["generators"]["cuda"], self.device)


def _weighted_mean(parts: list[tuple[Tensor, int]]) -> float:
    """Return the mean of `(value, number of samples)` pairs, read from the device once per epoch."""
    total = torch.stack([value * samples for value, samples in parts]).sum()
    return float(total) / sum(samples for _, samples in parts)
