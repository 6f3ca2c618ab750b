"""The method kernel-ridge: kernel ridge regression from measurements to every node, the mean of a Gaussian process.

Where test measurements lie between train measurements, as on slices of one volume, it interpolates their maps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from fwibench.methods.complexity import Complexity
from fwibench.methods.penalty import penalty_notes
from fwibench.samples import Split, evenly_spaced
from fwibench.typing import Array32, Array64
from fwibench_baselines.array_method import ArrayMethod
from fwibench_baselines.features import block_averages, split_features

ALPHAS = tuple(10.0**k for k in range(-8, 1))
"""Penalties that are compared on val; the kernel of a sample with itself is 1."""
LENGTHS = tuple(10 ** (k / 4) for k in range(-4, 6))
"""Lengths that are compared on val, over the median distance of two train measurements: 0.1 to 18."""
NODES = 4096
"""Largest number of nodes, spread over the map, whose errors on val are compared."""
KERNELS: dict[str, Callable[[Array64], Array64]] = {
    "exponential": lambda r: np.exp(-r),
    "matern": lambda r: (1 + np.sqrt(3) * r) * np.exp(-np.sqrt(3) * r),
    "gaussian": lambda r: np.exp(-(r**2) / 2),
}
"""Kernels of the distance over the length (Rasmussen and Williams 2006, section 4.2); `matern` has smoothness 3/2."""


class _Choice(NamedTuple):
    """A length and a penalty, and the mean absolute error on val with them."""

    error: float
    length: float
    alpha: float


class KernelRidge(ArrayMethod):
    """Kernel ridge regression on block averages of measurements."""

    def fit(self, train: Split, val: Split) -> None:
        """Solve for the weights in float64; length and penalty have the smallest mean absolute error on `val`."""
        options, used = self.options, train.spread(self.options.largest)
        features = split_features(used, self.problem, options.features).astype(np.float64)
        maps = used.properties[:].reshape(len(used), -1).astype(np.float64)
        centre, offset = features.mean(0), maps.mean(0)
        # distances of centred features are rounded less
        features -= centre
        maps -= offset
        distances = _distances(features, features)
        nodes = evenly_spaced(maps.shape[1], NODES)
        truth = val.properties[:].reshape(len(val), -1)[:, nodes] - offset[nodes]
        to_val = _distances(split_features(val, self.problem, options.features) - centre, features)
        best = min(self._choices(distances, maps[:, nodes], to_val, truth))
        values, vectors = np.linalg.eigh(self._kernel(distances / best.length))
        weights = vectors @ (vectors.T @ maps / (values.clip(0) + best.alpha)[:, None])
        self.remarks = penalty_notes(best.alpha, ALPHAS) if options.alpha == "val" else []
        if len(used) < len(train):
            self.remarks.append(f"fitted to {len(used)} of {len(train)} train samples, evenly spaced: option largest")
        fitted = {"features": features, "centre": centre, "weights": weights, "offset": offset, "length": [best.length]}
        self.arrays = {name: np.asarray(array, np.float32) for name, array in fitted.items()}

    def predict(self, measurements: Array32) -> Array32:
        """Return weighted sums of the train maps, clipped to the bounds of the property."""
        self.problem.check_measurements(measurements.shape)
        fitted, bounds = self.fitted, self.problem.property
        own = block_averages(measurements, self.problem, self.options.features) - fitted["centre"]
        distances = _distances(own.astype(np.float64), fitted["features"].astype(np.float64))
        maps = self._kernel(distances / fitted["length"]) @ fitted["weights"] + fitted["offset"]
        return maps.clip(bounds.low, bounds.high).reshape(-1, *self.problem.property_shape).astype(np.float32)

    def complexity(self) -> Complexity:
        """Return stored values as closed-form parameters, and the multiply-adds of distances and sums."""
        fitted = self.fitted
        macs = fitted["features"].size + fitted["weights"].size
        return self.closed_form(macs, 2 * macs)

    def _choices(self, distances: Array64, maps: Array64, to_val: Array64, truth: Array64) -> Iterator[_Choice]:
        """Yield the errors on val of the lengths and penalties that the options compare.

        Args:
            distances: Distances of train samples `(n, n)`.
            maps: Maps of train, less their mean `(n, nodes)`.
            to_val: Distances of val samples from train samples `(val, n)`.
            truth: Maps of val, less the mean of train `(val, nodes)`.
        """
        options, others = self.options, ~np.eye(len(distances), dtype=bool)
        # a single measurement, or several that are equal, have no scale
        unit = (float(np.median(distances[others])) if others.any() else 0.0) or 1.0
        for length in LENGTHS if options.length == "val" else (options.length,):
            values, vectors = np.linalg.eigh(self._kernel(distances / (unit * length)))
            near, far = self._kernel(to_val / (unit * length)) @ vectors, vectors.T @ maps
            for alpha in ALPHAS if options.alpha == "val" else (options.alpha,):
                found = near @ (far / (values.clip(0) + alpha)[:, None])
                yield _Choice(float(np.abs(found - truth).mean()), unit * length, alpha)

    def _kernel(self, scaled: Array64) -> Array64:
        return KERNELS[self.options.kernel](scaled)


def _distances(first: Array64, second: Array64) -> Array64:
    """Return the Euclidean distances of rows, `(n, m)`."""
    squares = (first**2).sum(1)[:, None] + (second**2).sum(1) - 2 * first @ second.T
    return np.sqrt(squares.clip(0))
