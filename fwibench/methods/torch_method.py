"""The base class of methods that are PyTorch networks.

An author implements `build`; the base normalises, trains, keeps the weights that are best on val, predicts, counts
parameters and FLOPs, and saves. A part of the computation that is fixed or solved in closed form belongs in the
encoder, which precedes the network and is never trained by gradient descent.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from fwibench.errors import MethodError, UnsuitableError
from fwibench.files.atomic import atomic_write, reading
from fwibench.files.npy import read_npz
from fwibench.methods.base import Method
from fwibench.methods.budgets import LATE
from fwibench.methods.complexity import Complexity, Layer
from fwibench.methods.context import RunContext
from fwibench.methods.flops import count_flops
from fwibench.methods.layers import measure_layers
from fwibench.methods.precision import fit_precision, own_generators, tensor_cores
from fwibench.problem import Problem
from fwibench.samples import Split
from fwibench.specs.method import FitPrecision, Precision
from fwibench.typing import Array32

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from fwibench.methods.training import Trainer

OUTCOME = ("resumed_s", "fit_batches", "samples_seen", "epochs", "late")
"""Attributes of the trainer that a fit keeps."""


class Normalise(nn.Module):
    """Scales raw measurements to about [-1, 1] by the constants of the problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__()
        self.amplitude = problem.amplitude

    def forward(self, measurements: Tensor) -> Tensor:
        """Return scaled measurements of the same shape."""
        return self.amplitude.normalise(measurements, torch)


class TorchMethod(Method):
    """A network from normalised measurements to a normalised property map in [-1, 1].

    Args:
        problem: See `Method`.
        options: Validated options, an instance of a subclass of `TrainingOptions`.
        context: See `Method`.

    Attributes:
        encode_once: Whether encodings of a whole split fit in memory, so that training computes them once.
    """

    encode_once = False

    def __init__(self, problem: Problem, options: Any, context: RunContext) -> None:
        super().__init__(problem, options, context)
        self.device = torch.device(context.device)
        with own_generators(self.device):
            torch.manual_seed(context.seed("init"))
            self.encoder = self.build_encoder().to(self.device).requires_grad_(False).eval()
            self.network = self.build().to(self.device)
            self.companions = {name: part.to(self.device) for name, part in self.build_companions().items()}
        self.network.eval()
        self._ready = self._loaded = False
        self._fit_started: float | None = None

    @abstractmethod
    def build(self) -> nn.Module:
        """Return the trained network, from encodings `(n, ...)` to normalised maps `(n, 1, Z, X)`."""

    def build_encoder(self) -> nn.Module:
        """Return the fixed part, from raw measurements `(n, S, T, R)` to encodings. Default: `Normalise`."""
        return Normalise(self.problem)

    def build_companions(self) -> dict[str, nn.Module]:
        """Return networks that are trained but not needed to predict, such as a critic, by name. Default: none."""
        return {}

    def updates_per_epoch(self, part: str, batches: int) -> int:
        """Return the number of optimiser steps of a part per epoch, for its schedule. Default: one per batch."""
        return batches

    def prepare_samples(self, train: Split, val: Split) -> None:
        """Compute what the encodings of samples need; every fit calls it, also one from weights. Default: nothing.

        Args:
            train: Training samples.
            val: Validation samples.
        """

    def fit_encoder(self, train: Split, val: Split) -> None:
        """Solve for the closed-form part of the encoder. Default: nothing."""

    def loss(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Return the loss of normalised maps `(n, 1, Z, X)`. Default: mean absolute error (InvLINT, equation 11)."""
        return nn.functional.l1_loss(prediction, target)

    def training_step(self, trainer: Trainer, inputs: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Learn from one batch by calling `trainer.step`.

        Args:
            trainer: The running fit.
            inputs: Encodings `(n, ...)`.
            target: Normalised maps `(n, 1, Z, X)`.

        Returns:
            Scalars for the history, `loss` among them.
        """
        loss = self.loss(trainer.network(inputs), target)
        trainer.step(loss)
        return {"loss": loss.detach()}

    def fit(self, train: Split, val: Split) -> None:
        """Solve for the encoder, then train the network and keep the weights that are best on `val`.

        After `load` or `take_weights` it trains on from these weights and keeps the encoder that they belong to.

        Raises:
            UnsuitableError: `val` is empty, or `train` is too small for batch normalisation.
            DivergedError: A loss is not finite.
        """
        # importing it takes longer than importing torch, and only a fit needs it
        from fwibench.methods.distributed import fit_on_devices, make_fabric

        if not len(val):
            raise UnsuitableError(
                f"{self.context.method or type(self).__name__} chooses its weights on val samples, and there are none",
                "add samples to the val split",
            )
        self._fit_started = time.monotonic()
        self.prepare_samples(train, val)
        if not self._loaded:
            self.fit_encoder(train, val)
        self.fit_precision = precision = self._choose_precision(train)
        fabric = make_fabric(self.context, precision)
        alone = self.context.devices == 1
        outcome = self.train_on(fabric, train, val) if alone else fit_on_devices(self, fabric, train, val)
        if not alone:
            self.network.load_state_dict(outcome["network"])
            for name, state in outcome["companions"].items():
                self.companions[name].load_state_dict(state)
        self.history = outcome["history"]
        self.fit_threads, self.resumed_s = outcome["threads"], outcome["resumed_s"]
        self.fit_batches, self.samples_seen = outcome["fit_batches"], outcome["samples_seen"]
        if outcome["late"]:
            self.remarks.append(
                f"the machine became slower during the fit: it was ended after {len(self.history)} of "
                f"{outcome['epochs']} epochs, at {LATE:g} times its budget of {self.context.fit_budget:g} s"
            )
        self._ready = True

    def train_on(self, fabric: Fabric, train: Split, val: Split) -> dict[str, Any]:
        """Train the network, without solving for the encoder.

        Args:
            fabric: Lightning Fabric of the fit's devices and precision; launched if there are several.
            train: Training samples.
            val: Validation samples.

        Returns:
            States of `network` and `companions`, `history`, `threads`, `resumed_s`, `fit_batches`, `samples_seen`,
            `epochs` and `late`; see `Trainer`.
        """
        from fwibench.methods.training import NETWORK, Trainer, TrainingHooks

        hooks = TrainingHooks(
            self.encode, self.encode_once, self.encode_split, self.training_step, self.loss, self.updates_per_epoch
        )
        options = self.options.model_copy(update={"precision": self.fit_precision})
        trainer = Trainer(
            {NETWORK: self.network, **self.companions}, self.problem, options, self.context, hooks, fabric
        )
        return {
            "history": trainer.fit(train, val, self._fit_started),
            "network": self.network.state_dict(),
            "companions": {name: part.state_dict() for name, part in self.companions.items()},
            "threads": trainer.fit_threads,
            **{name: getattr(trainer, name) for name in OUTCOME},
        }

    def move_to(self, context: RunContext) -> None:
        """Continue with another context; encoder, network and companions must be on its device already."""
        self.context, self.device = context, torch.device(context.device)

    def _choose_precision(self, train: Split) -> FitPrecision:
        from fwibench.methods.checkpoints import Checkpoints
        from fwibench.methods.encoded_split import EncodedSplit
        from fwibench.methods.timed_step import make_trial_step
        from fwibench.methods.training import CHECKPOINT

        chosen, resumed = self.options.precision, None
        if chosen == "auto":
            resumed = (Checkpoints(self.context.workdir / CHECKPOINT).load() or {}).get("precision")

        def make_step(precision: FitPrecision) -> Callable[[], object]:
            encoded = EncodedSplit(train, self.encode, self.problem.property, self.device)
            batch = encoded.read(np.arange(min(self.options.batch_size, len(train))))
            return make_trial_step(self.network, batch, self.loss, precision)

        return fit_precision(chosen, self.device, resumed, make_step)

    @torch.no_grad()
    def encode(self, measurements: Array32 | Tensor) -> Tensor:
        """Return the encodings of raw measurements `(n, S, T, R)`, on the method's device."""
        # a copy from pinned memory does not make the host wait; any other copy is made before `to` returns
        return self.encoder(torch.as_tensor(measurements).to(self.device, non_blocking=True))

    def encode_split(self, split: Split, chunk: int) -> Tensor:
        """Return the encodings of all samples of a split. Default: `encode` of one part after the other.

        Args:
            split: The samples.
            chunk: Number of samples to encode at once.
        """
        from fwibench.methods.encoded_split import encode_in_chunks

        return encode_in_chunks(self.encode, split, chunk)

    @torch.inference_mode()
    def infer(self, measurements: Array32) -> Array32:
        """Predict maps `(n, 1, Z, X)` without checking that the method was fitted."""
        on_gpu = self.device.type == "cuda"
        with tensor_cores(cast(Precision, self.fit_precision or self.options.precision)) if on_gpu else nullcontext():
            maps = self.problem.property.denormalise(self.network(self.encode(measurements)))
        return maps.float().cpu().numpy()

    def options_of_refit(self, share: float) -> Any:
        """Return the options with the precision of the fit and, after a time budget, a share of its batches."""
        chosen: dict[str, Any] = {"precision": self.fit_precision or self.options.precision}
        if self.fit_batches:
            batches = max(round(share * self.fit_batches), 1)
            chosen |= {"epochs": batches, "min_batches": None, "max_batches": batches}
        return self.options.model_copy(update=chosen)

    def predict(self, measurements: Array32) -> Array32:
        """See `Method.predict`; all measurements form one batch."""
        if not self._ready:
            raise self.not_fitted()
        self.problem.check_measurements(measurements.shape)
        return self.infer(measurements)

    def parameters_closed_form(self) -> int:
        """Return the number of entries of the encoder that `fit_encoder` solves for. Default: 0."""
        return 0

    def parameters_fixed(self) -> int:
        """Return the number of constants of the encoder, such as kernels. Default: 0."""
        return 0

    def complexity(self) -> Complexity:
        """Return the parameters of network and companions, and the counted FLOPs of encoder and network."""
        flops, uncounted = count_flops(self._forward_of_one())
        return Complexity(
            parameters=sum(
                parameter.numel()
                for module in (self.network, *self.companions.values())
                for parameter in module.parameters()
                if parameter.requires_grad
            ),
            parameters_closed_form=self.parameters_closed_form(),
            parameters_fixed=self.parameters_fixed(),
            macs=flops // 2,
            flops=flops,
            flops_kind="counted",
            uncounted=uncounted,
        )

    def layers(self) -> tuple[Layer, ...]:
        """Return the layers of encoder and network, then one row per companion, which predictions do not use."""
        passed = measure_layers({"encoder": self.encoder, "network": self.network}, self._forward_of_one())
        return *passed, *(
            Layer(
                name=name,
                kind=f"{type(module).__name__} (training only)",
                shape=(),
                parameters=sum(parameter.numel() for parameter in module.parameters()),
            )
            for name, module in self.companions.items()
        )

    def _forward_of_one(self) -> Callable[[], Tensor]:
        sample = torch.zeros(1, *self.problem.measurement_shape, device=self.device)
        return lambda: self.network(self.encoder(sample))

    def save(self, path: Path) -> None:
        """Write the states of encoder and network, and the precision and length of the fit, to `weights.npz`.

        Raises:
            MethodError: A state is not a tensor.
        """
        if not self._ready:
            raise self.not_fitted()
        arrays = {
            f"{part}.{name}": _to_array(f"{part}.{name}", value)
            for part, module in (("encoder", self.encoder), ("network", self.network))
            for name, value in module.state_dict().items()
        }
        with atomic_write(path / "weights.npz") as stream:
            fit = {"precision": np.array(self.fit_precision or ""), "batches": np.array(self.fit_batches or 0)}
            np.savez(stream, **arrays, **fit)  # type: ignore[arg-type]

    def load(self, path: Path) -> None:
        """Read `weights.npz`, or `model.pt` of earlier versions."""
        if (former := path / "model.pt").exists():
            state = torch.load(former, map_location=self.device, weights_only=True)
        else:
            with reading(path / "weights.npz", "the weights of the method", "run the cell again with --force"):
                state = _to_states(read_npz(path / "weights.npz"))
        self.encoder.load_state_dict(state["encoder"])
        self.take_weights(state["network"])
        # models of earlier versions lack them
        self.fit_precision, self.fit_batches = state.get("precision"), state.get("batches")

    def take_weights(self, network: Mapping[str, Tensor]) -> None:
        """Take weights that were trained elsewhere; the method can then predict, and `fit` trains on from them.

        Args:
            network: State of the network, as its `state_dict` returns it.
        """
        self.network.load_state_dict(network)
        self._ready = self._loaded = True


def _to_array(name: str, value: Any) -> NDArray[Any]:
    """Return a tensor of a state as an array; floating-point types that numpy lacks become float32, which is exact."""
    if not isinstance(value, Tensor):
        raise MethodError(
            f"the state {name} is of type {type(value).__name__}, expected a tensor",
            "register it as a buffer, or override save and load",
        )
    value = value.detach().cpu()
    return (value.float() if value.is_floating_point() and value.itemsize < 4 else value).numpy()


def _to_states(arrays: dict[str, NDArray[Any]]) -> dict[str, Any]:
    """Return the states and what is known of the fit, of the arrays that `TorchMethod.save` writes."""
    fit = {"precision": str(arrays.pop("precision")) or None, "batches": int(arrays.pop("batches", 0)) or None}
    states: dict[str, Any] = {"encoder": {}, "network": {}, **fit}
    for name, array in arrays.items():
        part, _, key = name.partition(".")
        states[part][key] = torch.from_numpy(array)
    return states
