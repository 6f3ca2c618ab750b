"""Waveform inversion from the prediction of another method."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from fwibench_baselines.fwi.method import WaveformInversion

from fwibench.errors import UnsuitableError
from fwibench.files.atomic import atomic_write
from fwibench.files.npy import read_npz
from fwibench.methods.complexity import Complexity
from fwibench.methods.context import FittedMethod
from fwibench.samples import Split
from fwibench.typing import Maps
from fwibench_hybrid.priors.shapes import ShapeChange, ShapeModes

PRIOR = "prior.npz"
"""File of a learned prior."""
MOST_MAPS = 1000
"""Most train maps that a prior is learned from, evenly spaced over the split: more add little to a few dozen modes, and
all of them need to be in memory."""


class Refine(WaveformInversion):
    """Starts from the prediction of the fitted method `context.base`."""

    _learned: ShapeModes | None = None
    _fitted = False

    @property
    def base(self) -> FittedMethod:
        """The method whose prediction is the start model; raises `MethodError` without one."""
        if self.context.base is None:
            raise self.not_fitted()
        return self.context.base

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
        learned = ShapeModes.learn(train.spread(MOST_MAPS).properties[:], self.problem.property, self.options.modes)
        if learned is None and self.options.prior == "two-phase":
            raise UnsuitableError(
                "prior=two-phase needs train maps whose values cluster at a highest one, and these do not",
                "use prior=auto or prior=none",
            )
        self._use(learned)

    def _use(self, learned: ShapeModes | None) -> None:
        """Bend starts along what was learned; None: by any smooth displacement."""
        self._learned, self._fitted = learned, True
        if learned is not None:
            self.engine.deform = partial(ShapeChange, learned=learned)

    def figures(self) -> dict[str, float]:
        """Return the value of the phase and the numbers of modes of a learned prior."""
        if self._learned is None:
            return {}
        phase, shapes, backgrounds = self._learned
        return {"phase": float(phase[0]), "shape_modes": len(shapes), "background_modes": len(backgrounds)}

    def numbers_of_start(self) -> int:
        """Return the number of values of a learned prior."""
        return 0 if self._learned is None else sum(part.size for part in self._learned)

    def complexity(self) -> Complexity:
        """Return the parameters of base and prior, and the FLOPs of base and inversion together."""
        below, own = self.base.complexity(), super().complexity()
        known = below.flops is not None and own.flops is not None
        flops = (below.flops or 0) + (own.flops or 0)
        changes = {"macs": None, "flops": flops if known else None, "flops_kind": "mixed" if known else None}
        if learned := self.numbers_of_start():
            changes["parameters_closed_form"] = (below.parameters_closed_form or 0) + learned
        return below.model_copy(update=changes)

    def save(self, path: Path) -> None:
        """Write `prior.npz` if a prior is learned; the base is stored by its own run."""
        if self.options.prior == "none":
            return
        if not self._fitted:
            raise self.not_fitted()
        with atomic_write(path / PRIOR) as stream:
            np.savez(stream, **(self._learned._asdict() if self._learned else {}))

    def load(self, path: Path) -> None:
        """Read `prior.npz` if a prior is learned; the base is loaded before this method is built."""
        if self.options.prior != "none":
            stored = read_npz(path / PRIOR)
            self._use(ShapeModes(**stored) if stored else None)
