"""nearest-neighbour: how far memory alone goes.

On slices of one volume split at random this baseline is hard to beat, which says more about the split
than about any method.
"""

from __future__ import annotations

import numpy as np

from fwibench.methods.complexity import Complexity
from fwibench.samples import Split
from fwibench.typing import Array32
from fwibench_baselines.array_method import ArrayMethod
from fwibench_baselines.features import block_averages, split_features


class NearestNeighbour(ArrayMethod):
    """Euclidean distance of block-averaged, normalised measurements."""

    def fit(self, train: Split, val: Split) -> None:
        """Remembers `train`."""
        features = split_features(train, self.problem, self.options.features)
        self.arrays = {"features": features, "maps": train.properties[:]}

    def predict(self, measurements: Array32) -> Array32:
        """The training map whose measurement is nearest."""
        self.problem.check_measurements(measurements.shape)
        known = self.fitted["features"]
        features = block_averages(measurements, self.problem, self.options.features)
        nearest = [int(np.square(known - one).sum(1).argmin()) for one in features]
        return self.fitted["maps"][nearest]

    def complexity(self) -> Complexity:
        """Everything remembered counts as closed form; a distance is one multiply-add a feature."""
        macs = self.fitted["features"].size
        stored = sum(array.size for array in self.fitted.values())
        return Complexity(parameters=0, parameters_closed_form=stored, macs=macs, flops=3 * macs, flops_kind="analytic")
