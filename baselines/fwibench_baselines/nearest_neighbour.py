"""The method nearest-neighbour: a prediction from memory.

On slices of one volume with a random split this baseline is hard to beat, because test slices have neighbours in train.
"""

from __future__ import annotations

import numpy as np

from fwibench.methods.complexity import Complexity
from fwibench.samples import Split
from fwibench.typing import Array32
from fwibench_baselines.array_method import ArrayMethod
from fwibench_baselines.features import block_averages, block_averages_on, split_features


class NearestNeighbour(ArrayMethod):
    """Predicts the training map whose block-averaged measurement has the smallest Euclidean distance."""

    def fit(self, train: Split, val: Split) -> None:
        """Store the features and maps of `train`."""
        device = self.context.device if self.uses_torch else None
        features = split_features(train, self.problem, self.options.features, device)
        self.arrays = {"features": features, "maps": train.properties[:]}

    def predict(self, measurements: Array32) -> Array32:
        """Return the training map with the nearest measurement."""
        self.problem.check_measurements(measurements.shape)
        limit, nearest = self.options.features, []
        if self.uses_torch:
            known = self.tensors["features"]
            for one in block_averages_on(self.context.device, measurements, self.problem, limit):
                nearest.append(int((known - one).double().square().sum(1).argmin()))
        else:
            stored = self.fitted["features"]
            for own in block_averages(measurements, self.problem, limit):
                nearest.append(int(np.square(stored - own).sum(1).argmin()))
        return self.fitted["maps"][nearest]

    def complexity(self) -> Complexity:
        """Return stored values as closed-form parameters, and one multiply-add per stored feature."""
        macs = self.fitted["features"].size
        return self.closed_form(macs, 3 * macs)
