"""The method mean-map: a prediction that uses no measurement."""

from __future__ import annotations

import numpy as np

from fwibench.methods.complexity import Complexity
from fwibench.samples import Split
from fwibench.typing import Array32
from fwibench_baselines.array_method import ArrayMethod

CHUNK = 64
"""Number of samples that are read at once."""


def average(train: Split) -> Array32:
    """Return the mean map `(1, Z, X)` of a split."""
    total = sum(train.properties[i : i + CHUNK].sum(0, np.float64) for i in range(0, len(train), CHUNK))
    return np.asarray(total / len(train), np.float32)


def distance(split: Split, one: Array32) -> float:
    """Return the mean absolute difference [property's unit] between the maps of a split and one map `(1, Z, X)`."""
    starts = range(0, len(split), CHUNK)
    total = sum(float(np.abs(split.properties[i : i + CHUNK] - one).sum(dtype=np.float64)) for i in starts)
    return total / (len(split) * one.size)


class MeanMap(ArrayMethod):
    """Predicts the mean of the training maps."""

    def fit(self, train: Split, val: Split) -> None:
        """Average the maps of `train`."""
        self.arrays = {"mean": average(train)}

    def predict(self, measurements: Array32) -> Array32:
        """Return the mean map for each sample."""
        self.problem.check_measurements(measurements.shape)
        return np.repeat(self.fitted["mean"][None], len(measurements), axis=0)

    def complexity(self) -> Complexity:
        """Return the size of the mean map as closed-form parameters; a prediction takes no FLOPs."""
        return Complexity(
            parameters=0, parameters_closed_form=self.fitted["mean"].size, macs=0, flops=0, flops_kind="analytic"
        )
