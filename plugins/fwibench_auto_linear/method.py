"""Auto-Linear: two masked autoencoders, trained without pairs, and linear maps that are solved for from pairs."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from fwibench_baselines.inversionnet import build_scaling
from torch import Tensor, nn

from fwibench.methods.batches import even_batches
from fwibench.methods.penalty import penalty_notes
from fwibench.methods.ridge import ALPHAS
from fwibench.methods.torch_method import Normalise, TorchMethod
from fwibench.samples import Split
from fwibench_auto_linear.linear_map import reverse
from fwibench_auto_linear.network import AutoLinearNetwork
from fwibench_auto_linear.squares import SquaredRatios

if TYPE_CHECKING:
    from lightning_fabric import Fabric

    from fwibench.methods.training import Trainer

CHUNK = 64
"""Number of samples whose latents are computed at once."""
CANDIDATE_SAMPLES = 1024
"""Most train samples from which the inversion is solved for after an epoch, so that this takes a small share of a
large epoch; that of the kept weights is solved for from all samples."""
CANDIDATE_STEPS = 40
"""Fewest steps between two solutions of the inversion: one from 120 samples takes the time of four steps with 16."""
LEAST_TRAINING = 0.1
"""Smallest share of a time budget that is left to the training, however long solving for the linear maps takes."""


class AutoLinear(TorchMethod):
    """Auto-Linear; see `fwibench_auto_linear.AutoLinearOptions`.

    After an epoch, and not more often than every `CANDIDATE_STEPS` steps, the linear map from measurements to maps is
    solved for. The error on val of this epoch is therefore that of complete predictions with its own map, that of other
    epochs is with an older map; the kept weights are those with the smallest one. When the training has ended, both
    linear maps are solved for with the kept weights.
    """

    encoder: Normalise
    network: AutoLinearNetwork

    def build_encoder(self) -> nn.Module:
        """Return the normalisation of measurements."""
        self._figures: dict[str, float] = {}
        return build_scaling(self.problem, log=self.options.log)

    def build(self) -> nn.Module:
        """Return the autoencoders and the linear maps, which are zero."""
        return AutoLinearNetwork(self.problem, self.options)

    def fit(self, train: Split, val: Split) -> None:
        """Train the autoencoders, then solve for the linear maps of both directions; see `TorchMethod.fit`."""
        super().fit(train, val)
        # at the deadline there is no time left to read a large split
        pairs = train.spread(CANDIDATE_SAMPLES) if self.context.should_stop() else train
        self._figures = {
            "alpha_inversion": self._solve_inversion(pairs, val),
            "alpha_modelling": self._solve_modelling(pairs, val),
            "latent_of_measurement": float(self.network.measurements.size),
            "latent_of_map": float(self.network.maps.size),
            **self._compare(val),
        }

    def train_on(self, fabric: Fabric, train: Split, val: Split) -> dict[str, Any]:
        """See `TorchMethod.train_on`; a time budget is that of the training and of solving for the linear maps."""
        self._samples = train.spread(CANDIDATE_SAMPLES), val
        context = self.context
        if budget := context.fit_budget:
            left = max(budget - self._seconds_to_solve(train), LEAST_TRAINING * budget)
            self.context = dataclasses.replace(context, fit_budget=left)
        try:
            return super().train_on(fabric, train, val)
        finally:
            self.context = context
            del self._samples

    def _seconds_to_solve(self, train: Split) -> float:
        """Return the time that solving for both linear maps will take, from that of the latents of a few samples."""
        few = train.spread(CHUNK)
        start = time.monotonic()
        for _ in self._latents(few):
            pass
        return 2 * len(train) / len(few) * (time.monotonic() - start)

    def training_step(self, trainer: Trainer, inputs: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Take a step of both autoencoders, and solve for the inversion where the class says so.

        Args:
            trainer: See `TorchMethod.training_step`.
            inputs: See `TorchMethod.training_step`.
            target: See `TorchMethod.training_step`.

        Returns:
            `measurement_loss` and `map_loss` of the autoencoders, and their sum as `loss`.
        """
        measurements, maps = trainer.network(inputs, target)
        measurement_loss, map_loss = _restoration_loss(measurements, inputs), _restoration_loss(maps, target)
        loss = measurement_loss + map_loss
        trainer.step(loss)
        if trainer.batch == trainer.batches and self._is_candidate(trainer):
            self._solve_inversion(*self._samples)
        return {"loss": loss.detach(), "measurement_loss": measurement_loss.detach(), "map_loss": map_loss.detach()}

    def _is_candidate(self, trainer: Trainer) -> bool:
        """Return whether the inversion is solved for after the current epoch: in the last one, and regularly."""
        period = math.ceil(CANDIDATE_STEPS / trainer.batches)
        return trainer.epoch % period == 0 or trainer.epoch + 1 == trainer.epochs

    def figures(self) -> dict[str, float]:
        """Return the penalties, the sizes of both latents, and the quantities of `diagnostics` on val."""
        return dict(self._figures)

    def notes(self) -> list[str]:
        """Return what a reader of the result should know about the penalties."""
        notes = super().notes()
        if self.options.alpha == "val" and self._figures:
            for name in ("inversion", "modelling"):
                notes += [f"{name}: {note}" for note in penalty_notes(self._figures[f"alpha_{name}"], ALPHAS)]
        return notes

    def diagnostics(self, test: Split) -> dict[str, float]:
        """Return quantities of both directions on test.

        Returns:
            `inversion_r2`, `modelling_r2`: explained share of the variance of the latents of maps and of measurements
            about their training mean, NaN without variance; `forward_error`: relative L2 error of measurements
            predicted from maps; `measurement_restoration`: relative L2 error of measurements that their own
            autoencoder restores from all patches; `map_restoration_mae`: mean absolute error of maps restored
            likewise, in the property's unit. Measurements are compared after their logarithm, if `log` takes it.
        """
        return self._compare(test)

    def parameters_closed_form(self) -> int:
        """Return the number of entries of both linear maps and their offsets."""
        return self.network.inversion.entries + self.network.modelling.entries

    def _solve_inversion(self, train: Split, val: Split) -> float:
        """Solve for the linear map from measurements to maps; return its penalty."""
        solve = self.network.inversion.solve
        return solve(self._latents(train), len(train), self._latents(val), self.options.alpha)

    def _solve_modelling(self, train: Split, val: Split) -> float:
        """Solve for the linear map from maps to measurements; return its penalty."""
        solve = self.network.modelling.solve
        return solve(reverse(self._latents(train)), len(train), reverse(self._latents(val)), self.options.alpha)

    def _latents(self, split: Split) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield batches of the latents of measurements and of maps, in float64 on the method's device."""
        for measurements, maps in self._pairs(split):
            with torch.no_grad():
                encoded = self.network.measurements.encode(measurements), self.network.maps.encode(maps)
            yield encoded[0].double(), encoded[1].double()

    def _pairs(self, split: Split) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield batches of normalised measurements `(n, S, T, R)` and maps `(n, 1, Z, X)`."""
        for rows in even_batches(np.arange(len(split)), CHUNK):
            maps = torch.from_numpy(split.properties[rows]).to(self.device)
            yield self.encode(split.measurements[rows]), self.problem.property.normalise(maps)

    @torch.no_grad()
    def _compare(self, split: Split) -> dict[str, float]:
        """Return the quantities of `diagnostics`; their names end with that of the split."""
        network, ratios, absolute = self.network, SquaredRatios(), 0.0
        # zero amplitude is not zero after the normalisation
        rest = self.encoder.amplitude.scale(0.0)
        for measurements, maps in self._pairs(split):
            u, c = network.measurements.encode(measurements), network.maps.encode(maps)
            ratios.add("inversion", network.inversion(u) - c, c - network.inversion.mean, c)
            ratios.add("modelling", network.modelling(c) - u, u - network.modelling.mean, u)
            ratios.add("forward", network.model(maps) - measurements, measurements - rest)
            ratios.add("restoration", network.measurements.decode(u) - measurements, measurements - rest)
            absolute += float((network.maps.decode(c) - maps).abs().mean((1, 2, 3)).sum())
        bounds = self.problem.property
        found = {
            "inversion_r2": ratios.explained("inversion"),
            "modelling_r2": ratios.explained("modelling"),
            "forward_error": ratios.relative("forward"),
            "measurement_restoration": ratios.relative("restoration"),
            "map_restoration_mae": absolute / len(split) * (bounds.high - bounds.low) / 2,
        }
        return {f"{name}_{split.name}": value for name, value in found.items()}


def _restoration_loss(restored: Tensor, images: Tensor) -> Tensor:
    """Return the mean absolute plus the mean squared error, that of HINT."""
    return nn.functional.l1_loss(restored, images) + nn.functional.mse_loss(restored, images)
