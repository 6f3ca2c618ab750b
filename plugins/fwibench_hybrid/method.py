"""Waveform inversion from the prediction of another method."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import torch
from fwibench_baselines.fwi.method import WaveformInversion
from numpy.typing import NDArray

from fwibench.errors import UnsuitableError
from fwibench.files.atomic import atomic_write
from fwibench.files.npy import read_npz
from fwibench.methods.base import OnBase
from fwibench.methods.complexity import Complexity
from fwibench.methods.flops import count_flops
from fwibench.methods.threads import using_threads
from fwibench.samples import Split
from fwibench.typing import Maps
from fwibench_hybrid.priors.diffusion import BATCH, REPORTED, Denoiser, penalty_of, train_denoiser
from fwibench_hybrid.priors.shapes import ShapeChange, ShapeModes

PRIOR = "prior.npz"
"""File of a learned prior."""
MOST_MAPS = 1000
"""Most train maps that a prior is learned from, evenly spaced over the split: more add little to a few dozen modes, and
all of them need to be in memory."""


class Refine(OnBase, WaveformInversion):
    """Starts from the prediction of the fitted method `context.base`."""

    _learned: ShapeModes | Denoiser | None = None
    _fitted = False

    def start(self, measurements: Maps) -> Maps:
        """Return the prediction of the base, clipped to the bounds of the property.

        Samples are predicted one by one, because an inversion amplifies the rounding differences between batches.
        """
        if self.options.prior != "none" and not self._fitted:
            raise self.not_fitted()
        bounds = self.problem.property
        predicted = [self.base.predict(measurements[i : i + 1]) for i in range(len(measurements))]
        return np.clip(np.concatenate(predicted), bounds.low, bounds.high)

    def fit(self, train: Split, val: Split) -> None:
        """Learn the prior from the train maps.

        Raises:
            UnsuitableError: `prior=two-phase`, and the values of the train maps do not cluster at a highest one.
        """
        if self.options.prior == "none":
            return
        maps = train.spread(MOST_MAPS).properties[:]
        learned = self._train(maps) if self.options.prior == "diffusion" else self._find_modes(maps)
        self._use(learned)

    def _find_modes(self, maps: Maps) -> ShapeModes | None:
        learned = ShapeModes.learn(maps, self.problem.property, self.options.modes)
        if learned is None and self.options.prior == "two-phase":
            raise UnsuitableError(
                "prior=two-phase needs train maps whose values cluster at a highest one, and these do not",
                "use prior=auto or prior=none",
            )
        return learned

    def _train(self, maps: Maps) -> Denoiser:
        steps = self.options.diffusion_steps
        normalised = torch.from_numpy(self.problem.property.normalise(maps)).to(self.context.device)
        # for images this small a second thread gains little, and much is lost where it waits for other processes
        self.fit_threads = 1 if self.context.device == "cpu" else None
        with using_threads(self.fit_threads):
            learned, losses = train_denoiser(normalised, steps, self.context)
        self.samples_seen = BATCH * len(losses)
        parts = (losses[first : first + REPORTED] for first in range(0, len(losses), REPORTED))
        self.history = [{"loss": fmean(part)} for part in parts]
        if len(losses) < steps:
            self.remarks.append(f"the prior was trained for {len(losses)} of {steps} steps: the deadline came first")
        return learned

    def _use(self, learned: ShapeModes | Denoiser | None) -> None:
        """Guide inversions by what was learned; None: bend starts by any smooth displacement."""
        self._learned, self._fitted = learned, True
        if isinstance(learned, ShapeModes):
            self.engine.deform = partial(ShapeChange, learned=learned)
        elif learned is not None:
            seed = self.context.seed("data")
            self.engine.objectives.prior = penalty_of(learned, self.options.diffusion_weight, seed)

    def figures(self) -> dict[str, float]:
        """Return the value of the phase and the numbers of modes of learned shapes."""
        if not isinstance(self._learned, ShapeModes):
            return {}
        phase, shapes, backgrounds = self._learned
        return {"phase": float(phase[0]), "shape_modes": len(shapes), "background_modes": len(backgrounds)}

    def numbers_of_start(self) -> int:
        """Return the number of values of learned shapes."""
        return sum(part.size for part in self._learned) if isinstance(self._learned, ShapeModes) else 0

    def complexity(self) -> Complexity:
        """Return the parameters of base and prior, and the FLOPs of base and inversion together."""
        below, own = self.base.complexity(), super().complexity()
        known = below.flops is not None and own.flops is not None
        flops = (below.flops or 0) + (own.flops or 0) + self._flops_of_network()
        changes = {"macs": None, "flops": flops if known else None, "flops_kind": "mixed" if known else None}
        if learned := self.numbers_of_start():
            changes["parameters_closed_form"] = (below.parameters_closed_form or 0) + learned
        if isinstance(self._learned, Denoiser) and below.parameters is not None:
            changes["parameters"] = below.parameters + sum(part.numel() for part in self._learned.parameters())
        return below.model_copy(update=changes)

    def _flops_of_network(self) -> int:
        """Return the FLOPs of a denoising network in all iterations of the nodes; 0 without one."""
        if not isinstance(network := self._learned, Denoiser):
            return 0
        device = self.context.device
        sample, level = torch.zeros(1, *self.problem.property_shape), torch.zeros(1, 1, 1, 1)
        flops, _ = count_flops(lambda: network(sample.to(device), level.to(device)))
        return len(self.engine.bands) * self.options.iterations * flops

    def save(self, path: Path) -> None:
        """Write `prior.npz` if a prior is learned; the base is stored by its own run."""
        if self.options.prior == "none":
            return
        if not self._fitted:
            raise self.not_fitted()
        with atomic_write(path / PRIOR) as stream:
            np.savez(stream, **self._arrays())  # type: ignore[arg-type]

    def _arrays(self) -> dict[str, NDArray[Any]]:
        if isinstance(self._learned, Denoiser):
            return {name: value.cpu().numpy() for name, value in self._learned.state_dict().items()}
        return self._learned._asdict() if self._learned else {}

    def load(self, path: Path) -> None:
        """Read `prior.npz` if a prior is learned; the base is loaded before this method is built."""
        if self.options.prior != "none":
            stored = read_npz(path / PRIOR)
            if self.options.prior == "diffusion":
                network = Denoiser().to(self.context.device)
                network.load_state_dict({name: torch.from_numpy(value) for name, value in stored.items()})
                self._use(network)
            else:
                self._use(ShapeModes(**stored) if stored else None)
