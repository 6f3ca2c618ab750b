"""Waveform inversion from another method's prediction."""

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
        """The base's prediction, clipped to the bounds.

        Samples are predicted one by one: an inversion blows up the rounding by which batches differ.
        """
        bounds = self.problem.property
        predicted = [self.base.predict(measurements[i : i + 1]) for i in range(len(measurements))]
        return np.clip(np.concatenate(predicted), bounds.low, bounds.high)

    def complexity(self) -> Complexity:
        """The base's parameters, and the arithmetic of both."""
        below, own = self.base.complexity(), super().complexity()
        if below.flops is None or own.flops is None:
            return below.model_copy(update={"macs": None, "flops": None, "flops_kind": None})
        flops = {"macs": None, "flops": below.flops + own.flops, "flops_kind": "mixed"}
        return below.model_copy(update=flops)

    def save(self, path: Path) -> None:
        """The base is kept by its own run."""

    def load(self, path: Path) -> None:
        """The base is loaded before this method is built."""
