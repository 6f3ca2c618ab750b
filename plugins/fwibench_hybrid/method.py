"""Waveform inversion from the prediction of another method."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from fwibench_baselines.fwi.method import WaveformInversion

from fwibench.methods.complexity import Complexity
from fwibench.methods.context import FittedMethod
from fwibench.typing import Maps


class Refine(WaveformInversion):
    """Starts from the prediction of the fitted method `context.base`."""

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
        bounds = self.problem.property
        predicted = [self.base.predict(measurements[i : i + 1]) for i in range(len(measurements))]
        return np.clip(np.concatenate(predicted), bounds.low, bounds.high)

    def complexity(self) -> Complexity:
        """Return the parameters of the base, and the FLOPs of base and inversion together."""
        below, own = self.base.complexity(), super().complexity()
        if below.flops is None or own.flops is None:
            return below.model_copy(update={"macs": None, "flops": None, "flops_kind": None})
        flops = {"macs": None, "flops": below.flops + own.flops, "flops_kind": "mixed"}
        return below.model_copy(update=flops)

    def save(self, path: Path) -> None:
        """Write nothing: the base is stored by its own run."""

    def load(self, path: Path) -> None:
        """Read nothing: the base is loaded before this method is built."""
