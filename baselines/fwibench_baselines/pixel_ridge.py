"""pixel-ridge: the best linear map from measurements to every node."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fwibench.datasets.arrays import Split
from fwibench.methods.complexity import Complexity
from fwibench_baselines.array_method import ArrayMethod
from fwibench_baselines.features import block_averages, split_features

ALPHAS = tuple(10.0**k for k in range(-2, 6))
SMALLEST_DEVIATION = 1e-3
"""Features that hardly vary, such as samples before the first arrival, are not blown up beyond this."""


class PixelRidge(ArrayMethod):
    """scikit-learn's ridge on standardised block averages; the penalty is chosen on `val`."""

    def fit(self, train: Split, val: Split) -> None:
        """Solves for the weights in float64."""
        from sklearn.linear_model import Ridge

        u = split_features(train, self.problem, self.options.features).astype(np.float64)
        maps = train.properties[:].reshape(len(train), -1).astype(np.float64)
        mean, deviation = u.mean(0), u.std(0)
        deviation = np.maximum(deviation, SMALLEST_DEVIATION * deviation.max())
        u = (u - mean) / deviation
        u_val = (split_features(val, self.problem, self.options.features) - mean) / deviation
        truth = val.properties[:].reshape(len(val), -1)
        alphas = ALPHAS if self.options.alpha == "val" else (self.options.alpha,)
        fits = [Ridge(alpha=alpha).fit(u, maps) for alpha in alphas]
        best = min(fits, key=lambda fit: float(np.abs(fit.predict(u_val) - truth).mean()))
        fitted = {"mean": mean, "weights": best.coef_.T / deviation[:, None], "offset": best.intercept_}
        self.arrays = {name: array.astype(np.float32) for name, array in fitted.items()}

    def predict(self, measurements: NDArray[np.float32]) -> NDArray[np.float32]:
        """One matrix product."""
        self.problem.check_measurements(measurements.shape)
        features = block_averages(measurements, self.problem, self.options.features)
        fitted = self.fitted
        maps = (features - fitted["mean"]) @ fitted["weights"] + fitted["offset"]
        return maps.reshape(-1, *self.problem.property_shape).astype(np.float32, copy=False)

    def complexity(self) -> Complexity:
        """Weights, offset and the features' mean are a closed form."""
        fitted = self.fitted
        macs = fitted["weights"].size
        return Complexity(
            parameters=0,
            parameters_closed_form=sum(array.size for array in fitted.values()),
            macs=macs,
            flops=2 * macs,
            flops_kind="analytic",
        )
