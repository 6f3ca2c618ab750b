"""The training loop of `TorchMethod`, on Lightning Fabric.

Invariant: batches, weights and history depend on the random seeds, the data and the options alone, and with a time
budget on the number of batches that was chosen for it. On a CPU a fit that was killed and continues from its checkpoint
ends with the same bits as an uninterrupted one.
"""

from __future__ import annotations

import copy
import math
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, cast

import numpy as np
import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from fwibench.errors import DivergedError, UnsuitableError
from fwibench.methods.batches import BatchPlan, even_batches, is_batch_norm, needs_pairs
from fwibench.methods.budgets import LATE, TRIAL_SHARE, TrialClock, told_batches
from fwibench.methods.checkpoints import SHARE, Checkpoints
from fwibench.methods.context import RunContext
from fwibench.methods.distributed import Peers
from fwibench.methods.encoded_split import Encode, EncodedSplit, EncodeSplit, HostRows, spare_memory
from fwibench.methods.losses import LossChecks
from fwibench.methods.parts import Part, make_part
from fwibench.methods.precision import own_generators, tensor_cores
from fwibench.methods.threads import fit_threads, using_threads
from fwibench.methods.timed_step import make_trial_step
from fwibench.problem import Problem
from fwibench.samples import Split
from fwibench.seeds import derive_seed
from fwibench.specs.method import FitPrecision, TrainingOptions
from fwibench.typing import Indices

NETWORK = "network"
"""Name of the part that predicts; companions have other names."""
CHECKPOINT = "checkpoint.pt"
"""File of a fit's checkpoint in the working folder."""


@dataclass(frozen=True)
class TrainingHooks:
    """The part of training that a method defines.

    Attributes:
        encode: Turns measurements into network inputs.
        encode_once: Whether the inputs of a whole split are kept in memory.
        encode_split: `TorchMethod.encode_split`.
        step: `TorchMethod.training_step`.
        loss: `TorchMethod.loss`.
        updates_per_epoch: `TorchMethod.updates_per_epoch`.
    """

    encode: Encode
    encode_once: bool
    encode_split: EncodeSplit
    step: Callable[[Trainer, Tensor, Tensor], dict[str, Tensor]]
    loss: Callable[[Tensor, Tensor], Tensor]
    updates_per_epoch: Callable[[str, int], int]


class Trainer:
    """One fit of a network and its companions.

    Args:
        modules: The network, named `NETWORK`, and its companions, by name.
        problem: Shape of the measurements and bounds of the property.
        options: Options of the training; `precision` is not `auto`.
        context: Device, random seeds, working folder and deadline.
        hooks: What the method defines.
        fabric: Lightning Fabric of the fit's devices and precision; launched if there are several.

    Attributes:
        parts: The modules in training, by name; empty before `fit`.
        epochs: Number of epochs of the fit.
        epoch: Number of finished epochs.
        batch: Number of the current batch in its epoch, from 1.
        batches: Number of batches of the current epoch.
        step_count: Number of batches so far.
        samples_seen: Number of samples of these batches.
        fit_batches: Number of batches that was chosen for the time budget; None without a budget.
        late: Whether the fit ended before its last batch, because it took more than its time budget.
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
        fabric: Fabric,
    ) -> None:
        self.problem, self.options, self.context, self.hooks = problem, options, context, hooks
        self.device = torch.device(context.device)
        self._modules = dict(modules)
        self.fabric, self.peers = fabric, Peers(fabric)
        self._uniform = torch.Generator(self.device)
        self.parts: dict[str, Part] = {}
        self.epochs = self.epoch = self.batch = self.batches = self.step_count = self.samples_seen = 0
        self.fit_batches: int | None = None
        self.late = False
        self.pieces = 1
        self.history: list[dict[str, float]] = []
        self.fit_threads: int | None = None
        self.resumed_s = 0.0
        self._weight, self._first_piece, self._last_piece = 1.0, True, True
        self._drawn, self._own = 0, slice(0)
        self._asked: Counter[str] = Counter()
        self._taken: Counter[str] = Counter()
        self._losses = LossChecks(self.device, self.peers)
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

        Gradients of micro-batches and of several devices add up to those of the whole batch, and the last micro-batch
        takes the step. When a batch is repeated because memory ran out, steps already taken are skipped.

        Args:
            loss: Scalar loss, a mean over samples.
            part: Name of the part that learns.

        Raises:
            DivergedError: The loss is not finite; the weights are unchanged. On a GPU it is raised at the end of the
                epoch instead, and the fit ends without weights.
        """
        self._losses.add(part, self.step_count, self.epoch, loss)
        self._asked[part] += 1
        if self._asked[part] <= self._taken[part]:
            return
        trained = self.parts[part]
        if self._first_piece:
            trained.optimizer.zero_grad()
        # backpropagate into this part only, also where the loss depends on other parts
        own = [weight for weight in trained.plain.parameters() if weight.requires_grad]
        self.fabric.backward(loss * self._weight, inputs=own)
        if self._last_piece:
            trained.optimizer.step()
            trained.schedule.step()
            self._taken[part] += 1

    def fit(self, train: Split, val: Split, started: float | None = None) -> list[dict[str, float]]:
        """Train to the last epoch and load the best weights into the network, or keep the last ones.

        The best weights have the smallest mean absolute error on `val`, whatever the method's own loss is. At the
        deadline the current epoch is abandoned; without a finished epoch the latest weights are kept.

        Args:
            train: Training samples.
            val: Validation samples.
            started: Value of `time.monotonic()` from which the time budget counts; None: now.

        Returns:
            One entry per epoch: losses, learning rate and seconds.
        """
        network = self._modules[NETWORK]
        self._fit_started = time.monotonic() if started is None else started
        with own_generators(self.device), tensor_cores(self.options.precision):
            self._fit(train, val)
        if self._best and self.options.keep == "best":
            network.load_state_dict(self._best)
        network.to(memory_format=torch.contiguous_format).eval()  # type: ignore[call-overload]
        return self.history

    def _fit(self, train: Split, val: Split) -> None:
        self._started = time.monotonic()
        self._plan = self._plan_batches(len(train))
        checkpoints = Checkpoints(self.context.workdir / CHECKPOINT)
        state = checkpoints.load()
        torch.manual_seed(self.context.seed("augment"))
        self._uniform.manual_seed(self.context.seed("augment"))
        told = told_batches() if self.context.fit_budget else None
        self._choose((state.get("fit_batches") if state else None) or told)
        for name, plain in self._modules.items():
            self.parts[name] = make_part(plain, self.options, self.fabric, self.peers)
        self._start_schedules()
        if state:
            self._restore(state, len(train))
        encoded = self._encode(train), self._encode(val)
        budget = spare_memory(self.device)
        for split in encoded:
            budget -= split.keep(budget, self.options.batch_size)
        resumed = state.get("threads") if state else None
        alone = self.peers.size == 1
        self.fit_threads = fit_threads(self.device, resumed, partial(self._trial_step, encoded[0]) if alone else None)
        with using_threads(self.fit_threads):
            if self.context.fit_budget and self.fit_batches is None:
                self._fill_budget(self.context.fit_budget, *encoded)
            stops = partial(self._stops, None if told else self.context.fit_budget)
            while self.epoch < self.epochs and self._run_epoch(*encoded, stops):
                self.context.report(step=self.epoch, steps=self.epochs, **self.history[-1])
                if self.peers.rank == 0:
                    checkpoints.offer(self._state())

    def _plan_batches(self, samples: int) -> BatchPlan:
        """Return the batches of a fit to its options; raises `UnsuitableError` if they are too small."""
        plan = BatchPlan(samples, self.options)
        # `smallest` evaluates the network, so it is computed only where a batch of one sample would occur
        if samples // plan.per_epoch < 2 and self.smallest > 1:
            if samples < self.smallest:
                raise UnsuitableError(
                    f"{self.context.method or 'the method'} needs at least {self.smallest} train samples for its "
                    f"batch normalisation, there is {samples}",
                    "add samples to the train split",
                )
            plan.smallest = self.smallest
        self._check_shares(samples // plan.per_epoch)
        return plan

    def _choose(self, batches: int | None) -> None:
        """Set the number of batches that was chosen for the time budget; None: the options tell the epochs."""
        self._plan.chosen = self.fit_batches = batches
        self.epochs = self._plan.epochs

    def _start_schedules(self) -> None:
        for name, part in self.parts.items():
            part.start_schedule(self.options, *self._plan.count_steps(partial(self.hooks.updates_per_epoch, name)))

    def _fill_budget(self, budget: float, train: EncodedSplit, val: EncodedSplit) -> None:
        """Choose the number of batches that take the time budget, by a trial training that is undone."""
        before = {name: part.snapshot() for name, part in self.parts.items()}
        state, per_epoch = copy.deepcopy(self._state()), self._plan.per_epoch
        updates = min(self.hooks.updates_per_epoch(name, per_epoch) for name in self.parts)
        trial = TrialClock(TRIAL_SHARE * self._left(budget), math.ceil(per_epoch / updates))
        self._choose(sys.maxsize)
        for part in self.parts.values():
            part.hold_rate()
        while self._run_epoch(train, val, lambda: self.context.should_stop() or trial.stops()):
            trial.epoch_ended()
        each = trial.seconds_per_batch(per_epoch, len(val) / len(train))
        # checkpoints take up to their share
        fits = max(int(self._left(budget) / (each * (1 + SHARE))), per_epoch)
        # process 0 decides
        self._choose(int(self.peers.total(torch.tensor(fits if self.peers.rank == 0 else 0, device=self.device))))
        for name, part in self.parts.items():
            part.rewind(before[name])
        self._restore_progress(state)
        self._start_schedules()

    def _left(self, budget: float) -> float:
        """Return the part of the time budget that is left [s]; negative if it is spent."""
        return budget - self.resumed_s - (time.monotonic() - self._fit_started)

    def _stops(self, budget: float | None) -> bool:
        """Return whether the fit has to end: at its deadline, or after its first epoch far beyond its time budget."""
        if budget is not None and self.epoch:
            self.late = self.late or self._left(LATE * budget) < 0
        return self.late or self.context.should_stop()

    def _check_shares(self, smallest_batch: int) -> None:
        """Raise `UnsuitableError` if the devices are too many for a batch."""
        devices = self.peers.size
        if devices > 1 and smallest_batch < 2 * devices and smallest_batch < devices * self.smallest:
            raise UnsuitableError(
                f"batches of {smallest_batch} samples cannot be shared out to {devices} devices, "
                f"each of which needs {self.smallest}",
                "use fewer devices or a larger batch_size",
            )

    def _run_epoch(self, train: EncodedSplit, val: EncodedSplit, stops: Callable[[], bool]) -> bool:
        """Train for one epoch.

        Args:
            train: Training samples.
            val: Validation samples.
            stops: Called before each batch; returns whether to abandon the epoch.

        Returns:
            False if it was abandoned.
        """
        start = time.monotonic()
        for part in self.parts.values():
            part.module.train()
        totals: defaultdict[str, list[tuple[Tensor, int]]] = defaultdict(list)
        order = self._plan.divide(self.epoch, derive_seed(self.context.seed("data"), self.epoch))
        self.batches = len(order)
        if self.peers.size > 1:
            # no process knows the generators of the others, so that a checkpoint holds none of them
            torch.manual_seed(derive_seed(self.context.seed("augment"), self.peers.rank, self.epoch))
        with closing(train.ahead(rows[self.peers.share(len(rows))] for rows in order)) as shares:
            for number, (rows, host) in enumerate(zip(order, shares, strict=True), 1):
                if self.peers.agree(stops()):
                    # without a finished epoch these weights are kept
                    self._losses.read()
                    return False
                self.batch = number
                self.step_count += 1
                self.samples_seen += len(rows)
                for scalars, size in self._run_batch(train, host, len(rows)):
                    for name, value in scalars.items():
                        totals[name].append((value, size))
        self._losses.read()
        entry = {f"train_{name}": self._mean(parts) for name, parts in totals.items()}
        for part in self.parts.values():
            self.peers.average_buffers(part.plain)
        entry["val_loss"] = self._validate(val)
        self.epoch += 1
        if entry["val_loss"] < self._best_loss:
            self._best_loss = entry["val_loss"]
            self._best = copy.deepcopy(self._modules[NETWORK].state_dict())
        rate = self.parts[NETWORK].optimizer.param_groups[0]["lr"]
        entry |= {"epoch": self.epoch, "learning_rate": rate, "seconds": time.monotonic() - start}
        self.history.append(entry)
        return True

    def _run_batch(self, train: EncodedSplit, host: HostRows, whole: int) -> list[tuple[dict[str, Tensor], int]]:
        """Learn from this device's part of a batch of `whole` samples.

        Where it exceeds the GPU's memory, samples that are kept there are released, then twice as many micro-batches
        are made as before. The effective batch size stays the same. Batch statistics are those of a micro-batch. Of
        several devices none can repeat a batch alone.
        """
        self._taken.clear()
        rows = np.arange(len(host.rows))
        while True:
            most = len(rows) if self.pieces == 1 else max(len(rows) // self.smallest, 1)
            pieces = np.array_split(rows, min(self.pieces, most))
            try:
                return [self._run_piece(train, host, pieces, i, whole) for i in range(len(pieces))]
            except torch.OutOfMemoryError:
                if self.peers.size > 1:
                    raise
                if not train.release():
                    if self.pieces >= max(len(rows) // self.smallest, 1):
                        raise
                    self.pieces *= 2
            torch.cuda.empty_cache()

    def _run_piece(
        self, train: EncodedSplit, host: HostRows, pieces: list[Indices], number: int, whole: int
    ) -> tuple[dict[str, Tensor], int]:
        piece = pieces[number]
        self._asked.clear()
        self._first_piece, self._last_piece = number == 0, number == len(pieces) - 1
        # gradients of several devices are averaged
        self._weight = len(piece) * self.peers.size / whole
        alone = self.peers.size == 1
        self._drawn, self._own = (len(piece), slice(None)) if alone else (whole, self.peers.share(whole))
        inputs, target = train.load(host, slice(piece[0], piece[-1] + 1))
        return self.hooks.step(self, inputs, target), len(piece)

    def uniform(self) -> Tensor:
        """Return a random number in [0, 1) for each sample of the current inputs, `(n, 1, 1, 1)`.

        A sample gets the same number on several devices as on one.
        """
        return torch.rand(self._drawn, 1, 1, 1, device=self.device, generator=self._uniform)[self._own]

    def _mean(self, parts: list[tuple[Tensor, int]]) -> float:
        """Return the mean over all samples of `(mean, number of samples)` pairs, read from the device at once."""
        total = self.peers.total(torch.stack([value * samples for value, samples in parts]).sum())
        samples = self.peers.total(torch.tensor(sum(samples for _, samples in parts), device=self.device))
        return float(total) / int(samples)

    @torch.no_grad()
    def _validate(self, val: EncodedSplit) -> float:
        self.network.eval()
        batches = even_batches(np.arange(len(val)), self.options.batch_size)
        shares = [rows[self.peers.share(len(rows))] for rows in batches]
        losses, sizes = [torch.zeros((), device=self.device)], [0]
        with closing(val.ahead(rows for rows in shares if len(rows))) as hosts:
            for host in hosts:
                inputs, target = val.load(host)
                losses.append(torch.nn.functional.l1_loss(self.network(inputs), target))
                sizes.append(len(target))
        total = sum(loss * size for loss, size in zip(torch.stack(losses).tolist(), sizes, strict=True))
        loss = float(self.peers.total(torch.tensor(total, dtype=torch.float64, device=self.device))) / len(val)
        if not math.isfinite(loss):
            raise DivergedError(f"validation loss is {loss} after step {self.step_count} (epoch {self.epoch})")
        return loss

    def _encode(self, split: Split) -> EncodedSplit:
        chunk = self.options.batch_size if self.hooks.encode_once else None
        hooks = self.hooks
        return EncodedSplit(split, hooks.encode, self.problem.property, self.device, chunk, hooks.encode_split)

    def _trial_step(self, train: EncodedSplit) -> Callable[[], object]:
        batch = train.read(np.arange(min(self.options.batch_size, len(train))))
        precision = cast(FitPrecision, self.options.precision)
        return make_trial_step(self._modules[NETWORK], batch, self.hooks.loss, precision)

    def _state(self) -> dict[str, Any]:
        generators = {"cpu": torch.get_rng_state(), "uniform": self._uniform.get_state()}
        if self.device.type == "cuda":
            generators["cuda"] = torch.cuda.get_rng_state(self.device)
        return {
            "parts": {name: part.state() for name, part in self.parts.items()},
            "best": self._best,
            "best_loss": self._best_loss,
            "epoch": self.epoch,
            "step_count": self.step_count,
            "samples_seen": self.samples_seen,
            "fit_batches": self.fit_batches,
            "pieces": self.pieces,
            "threads": self.fit_threads,
            "precision": self.options.precision,
            "elapsed": self.resumed_s + time.monotonic() - self._started,
            "history": self.history,
            "generators": generators,
        }

    def _restore(self, state: dict[str, Any], samples: int) -> None:
        """Continue from a checkpoint.

        Args:
            state: The checkpoint.
            samples: Number of train samples.
        """
        for name, part in self.parts.items():
            part.resume(state["parts"][name])
        # older checkpoints hold no count of the samples
        self._restore_progress({"samples_seen": state["epoch"] * samples, **state})
        self.resumed_s = state["elapsed"]

    def _restore_progress(self, state: dict[str, Any]) -> None:
        self._best, self.history = state["best"], state["history"]
        self.epoch, self.step_count, self._best_loss = state["epoch"], state["step_count"], state["best_loss"]
        self.samples_seen, self.pieces = state["samples_seen"], state["pieces"]
        generators = state["generators"]
        torch.set_rng_state(generators["cpu"])
        if "cuda" in generators and self.device.type == "cuda":
            torch.cuda.set_rng_state(generators["cuda"], self.device)
        # in older checkpoints the generator of the device drew these numbers
        self._uniform.set_state(generators.get("uniform", generators.get(self.device.type, generators["cpu"])))
