"""The method pixel-ridge: ridge regression from measurements to every node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from fwibench.methods.complexity import Complexity
from fwibench.methods.penalty import penalty_notes
from fwibench.samples import Split
from fwibench.typing import Array32, Array64
from fwibench_baselines.array_method import ArrayMethod
from fwibench_baselines.features import block_averages, block_averages_on, split_features

if TYPE_CHECKING:
    from torch import Tensor

T = TypeVar("T", Array32, "Tensor")
ALPHAS = tuple(10.0**k for k in range(-2, 6))
"""Penalties that are compared on val."""
SMALLEST_DEVIATION = 1e-3
"""Smallest divisor of a feature, over the largest standard deviation; limits the gain of features that hardly vary,
such as samples before the first arrival."""
LARGEST_MATRIX = 2**27
"""Largest weight matrix [entries] that is stored where there are fewer train samples than features; a larger one is
stored as a product of two matrices."""
ROWS = 1024
"""Number of samples that are copied to the device at once."""


class PixelRidge(ArrayMethod):
    """Ridge regression on standardised block averages: scikit-learn's on a CPU, with torch on a GPU."""

    def fit(self, train: Split, val: Split) -> None:
        """Solve for the weights in float64, and choose the penalty with the smallest mean absolute error on `val`."""
        device = self.context.device if self.uses_torch else None
        u = split_features(train, self.problem, self.options.features, device).astype(np.float64)
        maps = train.properties[:].reshape(len(train), -1).astype(np.float64)
        mean, deviation, offset = u.mean(0), u.std(0), maps.mean(0)
        # with one train sample all features are constant, and the weights are 0
        deviation = np.maximum(deviation, SMALLEST_DEVIATION * deviation.max() or 1.0)
        u = (u - mean) / deviation
        maps -= offset
        u_val = (split_features(val, self.problem, self.options.features, device) - mean) / deviation
        truth = val.properties[:].reshape(len(val), -1) - offset
        factored = len(u) < u.shape[1] and u.shape[1] * maps.shape[1] > LARGEST_MATRIX
        alphas = ALPHAS if self.options.alpha == "val" else (self.options.alpha,)
        if device is None:
            if factored:
                u_val = u_val @ u.T
            fits = ((alpha, _solve(u, maps, alpha, factored)) for alpha in alphas)
            alpha, best = min(fits, key=lambda fit: float(np.abs(u_val @ fit[1] - truth).mean()))
        else:
            alpha, best = _best_on(device, (u, maps), (u_val, truth), alphas, factored)
        self.remarks = penalty_notes(alpha, alphas) if self.options.alpha == "val" else []
        fitted = {"mean": mean, "offset": offset}
        if factored:
            fitted |= {"basis": u.T / deviation[:, None], "weights": best}
        else:
            fitted |= {"weights": best / deviation[:, None]}
        self.arrays = {name: array.astype(np.float32) for name, array in fitted.items()}

    def predict(self, measurements: Array32) -> Array32:
        """Return the linear prediction: one matrix product, or two where the matrix is stored as a product."""
        self.problem.check_measurements(measurements.shape)
        limit = self.options.features
        if self.uses_torch:
            features = block_averages_on(self.context.device, measurements, self.problem, limit)
            maps = _apply(features, self.tensors).cpu().numpy()
        else:
            maps = _apply(block_averages(measurements, self.problem, limit), self.fitted)
        return maps.reshape(-1, *self.problem.property_shape).astype(np.float32, copy=False)

    def complexity(self) -> Complexity:
        """Return weights, offset and the mean of the features as closed-form parameters."""
        fitted = self.fitted
        macs = fitted["weights"].size + (fitted["basis"].size if "basis" in fitted else 0)
        return self.closed_form(macs, 2 * macs)


def _solve(u: Array64, maps: Array64, alpha: float, factored: bool) -> Array64:
    """Return weights of features, or of train samples if `factored`; `u` and `maps` have zero mean."""
    if factored:
        from sklearn.kernel_ridge import KernelRidge

        return np.asarray(KernelRidge(alpha=alpha).fit(u, maps).dual_coef_)
    from sklearn.linear_model import Ridge

    return np.asarray(Ridge(alpha=alpha, fit_intercept=False).fit(u, maps).coef_.T)


def _best_on(
    device: str, train: tuple[Array64, Array64], val: tuple[Array64, Array64], alphas: Sequence[float], factored: bool
) -> tuple[float, Array64]:
    """Return the penalty with the smallest mean absolute error on val, and the weights of `_solve` with it.

    Everything is computed on a device in float64.

    Args:
        device: Name of the device.
        train: Features and maps with zero mean, `(n, features)` and `(n, nodes)`.
        val: Features and maps, less the means of train.
        alphas: Penalties to compare.
        factored: Whether the weights are those of train samples.
    """
    import torch

    from fwibench.methods.ridge import fit_ridge

    starts = range(0, len(train[0]), ROWS)
    batches = ([torch.from_numpy(side[i : i + ROWS]).to(device) for side in train] for i in starts)
    ridge = fit_ridge(((u, maps) for u, maps in batches), len(train[0]))
    u_val, truth = (torch.from_numpy(side).to(device) for side in val)
    if factored:
        u_val = ridge.coordinates(u_val)
    fits = ((alpha, ridge.solve(alpha) if factored else ridge.weights(alpha)) for alpha in alphas)
    alpha, best = min(fits, key=lambda fit: float((u_val @ fit[1] - truth).abs().mean()))
    return alpha, best.cpu().numpy()


def _apply(features: T, fitted: dict[str, T]) -> T:
    """Return maps `(n, nodes)` of features `(n, features)`."""
    features = features - fitted["mean"]
    if "basis" in fitted:
        features = features @ fitted["basis"]
    return features @ fitted["weights"] + fitted["offset"]
