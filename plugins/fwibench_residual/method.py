"""A network that corrects the prediction of another method by the data that the prediction does not explain."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from fwibench.files.atomic import atomic_write
from fwibench.methods.base import OnBase
from fwibench.methods.complexity import Complexity, Layer, total
from fwibench.methods.context import RunContext
from fwibench.methods.torch_method import TorchMethod
from fwibench.problem import Problem
from fwibench.samples import Split, evenly_spaced
from fwibench.typing import Array32, Maps
from fwibench_residual.folds import predict, predict_out_of_fold
from fwibench_residual.network import Correction
from fwibench_residual.simulations import Simulations, Sizes
from fwibench_residual.symmetry import is_symmetric

CHUNK = 32
"""Number of samples that are simulated between two writes to the working folder."""
WEAKEST = 0.01
"""Smallest divisor of the gradients at a node, over their root mean square at all nodes."""


class Equalise(nn.Module):
    """Divides gradients by their root mean square over the train samples at each node.

    They are strongest near sources and receivers, and weakest at depth.

    Args:
        sizes: Shapes of the inputs.
    """

    scale: Tensor

    def __init__(self, sizes: Sizes) -> None:
        super().__init__()
        bands, rows, columns = sizes.maps
        self.register_buffer("scale", torch.ones(bands - 1, rows, columns))
        self._start, self._end = rows * columns, bands * rows * columns

    def learn(self, inputs: Array32) -> None:
        """Set the divisors from the inputs of the train samples `(n, values)`."""
        gradients = inputs[:, self._start : self._end]
        squares = sum(np.square(row, dtype=np.float64) for row in gradients) / len(gradients)
        sizes = torch.from_numpy(np.sqrt(squares)).reshape(self.scale.shape)
        least = WEAKEST * sizes.square().mean((1, 2), keepdim=True).sqrt()
        # without a gradient there is nothing to equalise
        self.scale.copy_(sizes.maximum(least).where(least > 0, 1.0))

    def forward(self, inputs: Tensor) -> Tensor:
        """Return the inputs `(n, values)` with equalised gradients."""
        before, gradients, rest = inputs.tensor_split((self._start, self._end), 1)
        return torch.cat([before, gradients / self.scale.flatten(), rest], 1)


class Residual(OnBase, TorchMethod):
    """Corrects the prediction of the fitted method `context.base`."""

    encode_once = True

    def __init__(self, problem: Problem, options: Any, context: RunContext) -> None:
        super().__init__(problem, options, context)
        self._inputs: dict[str, Array32] = {}
        self._errors: dict[str, float] = {}

    def build_encoder(self) -> nn.Module:
        """Return the scaling of the inputs that simulations give."""
        self.simulations = Simulations(self.problem, self.options, self.context.device)
        return Equalise(self.simulations.sizes)

    def build(self) -> nn.Module:
        """Return the network from inputs to normalised maps."""
        mirrors = self.options.mirror and is_symmetric(self.problem)
        return Correction(self.simulations.sizes, self.options.channels, mirrors)

    @property
    def equalise(self) -> Equalise:
        """The encoder."""
        return cast(Equalise, self.encoder)

    def fit(self, train: Split, val: Split) -> None:
        """See `TorchMethod.fit`; the network learns from as many train samples as the option `simulated` says."""
        self._train = train
        self._chosen = evenly_spaced(len(train), self.options.simulated or len(train))
        try:
            super().fit(train.select(self._chosen), val)
            self._compare_with_base()
        finally:
            self._inputs.clear()
            del self._train, self._chosen

    def prepare_samples(self, train: Split, val: Split) -> None:
        """Simulate the first predictions of all samples.

        At the deadline the inputs of the remaining samples are 0; no gradient step is taken with them.
        """
        own = predict_out_of_fold(self.base, self._train, val, self._chosen, self.options.folds, self.context)
        for split, first in ((train, own), (val, predict(self.base, val))):
            self._errors[f"first_mae_{split.name}"] = float(np.abs(first - split.properties[:]).mean())
            self._inputs[split.name] = self._simulate(split, self._clipped(first))

    def fit_encoder(self, train: Split, val: Split) -> None:
        """Learn the scale of the gradients."""
        self.equalise.learn(self._inputs[train.name])

    def _compare_with_base(self) -> None:
        """Note a training that has not improved on the first predictions; without an epoch there is nothing to say."""
        bounds, first = self.problem.property, self._errors["first_mae_val"]
        best = min((epoch["val_loss"] for epoch in self.history), default=0.0) * (bounds.high - bounds.low) / 2
        if best > first:
            self.remarks.append(
                f"the network has no smaller error on val than its base: {best:.4g} against {first:.4g} {bounds.unit}"
            )

    def _simulate(self, split: Split, first: Maps) -> Array32:
        """Return the inputs of all samples of a split `(n, values)`; finished chunks are kept in the working folder.

        Args:
            split: The samples.
            first: Their first predictions `(n, 1, Z, X)` within the bounds of the property.
        """
        inputs = np.zeros((len(split), self.simulations.sizes.values), np.float32)
        for start in range(0, len(split), CHUNK):
            rows, path = slice(start, start + CHUNK), self.context.workdir / f"inputs-{split.name}-{start}.npy"
            if not path.exists():
                stops = self.context.should_stop
                found = self.simulations.compare(split.measurements[rows], first[rows], stops)
                if len(found) < len(first[rows]):
                    break
                with atomic_write(path) as stream:
                    np.save(stream, found)
            inputs[rows] = np.load(path)
            self.context.report(step=min(start + CHUNK, len(split)), steps=len(split))
        return inputs

    def _clipped(self, maps: Maps) -> Maps:
        bounds = self.problem.property
        return maps.clip(bounds.low, bounds.high)

    @torch.no_grad()
    def encode(self, measurements: Array32 | Tensor) -> Tensor:
        """Return the inputs `(n, values)` that simulations of the base's predictions give."""
        recorded = np.asarray(measurements)
        inputs = self.simulations.compare(recorded, self._clipped(self.base.predict(recorded)))
        return self._scaled(inputs)

    def encode_split(self, split: Split, chunk: int) -> Tensor:
        """Return the inputs of all samples of the train or the val split, which `prepare_samples` has simulated."""
        return self._scaled(self._inputs[split.name])

    def _scaled(self, inputs: Array32) -> Tensor:
        return self.encoder(torch.from_numpy(inputs).to(self.device))

    def predict(self, measurements: Array32) -> Array32:
        """See `TorchMethod.predict`; maps are clipped to the bounds of the property."""
        return self._clipped(super().predict(measurements))

    def complexity(self) -> Complexity:
        """Return the parameters of base and network, and the FLOPs of base, simulations and network together."""
        below, own = self.base.complexity(), super().complexity()
        flops = total((below.flops, self.simulations.flops(), own.flops))
        return Complexity(
            parameters=total((below.parameters, own.parameters)),
            parameters_closed_form=total((below.parameters_closed_form, own.parameters_closed_form)),
            parameters_fixed=below.parameters_fixed,
            macs=None,
            flops=flops,
            flops_kind=None if flops is None else "mixed",
            uncounted=tuple(sorted({*below.uncounted, *own.uncounted})),
        )

    def parameters_closed_form(self) -> int:
        """Return the number of divisors of gradients."""
        return self.equalise.scale.numel()

    def layers(self) -> tuple[Layer, ...]:
        """Return no layers: those of the base and the simulations are not known as such."""
        return ()

    def figures(self) -> dict[str, float]:
        """Return the errors of first predictions, and the number of simulations of a sample, gradients included.

        The errors are the mean absolute ones on the train samples, out of fold, and on val.
        """
        gradients = len(self.simulations.bands)
        simulations = gradients + self.simulations.shows_data
        # without an epoch the deadline may have come before all first predictions
        errors = self._errors if self.history else {}
        return {"simulations_per_sample": simulations, "gradients_per_sample": gradients, **errors}

    def _forward_of_one(self) -> Callable[[], Tensor]:
        sample = torch.zeros(1, self.simulations.sizes.values, device=self.device)
        return lambda: self.network(self.encoder(sample))
