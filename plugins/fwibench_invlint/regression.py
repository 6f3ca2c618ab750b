"""Agreement of A U with Y: the quantities of table 11, in one pass."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from fwibench.typing import Array64

NO_VARIANCE = 1e-12
"""Variance of Y over its mean square below which it is rounding error: that of float32 is 6e-8, squared 4e-15."""


def regression_figures(pairs: Iterable[tuple[Array64, Array64]], mean: Array64, area: float) -> dict[str, float]:
    """Return quantities that compare predicted and true Y.

    Args:
        pairs: Batches of predicted and true Y, each `(rows, M)`.
        mean: Mean of Y over the train split `(M,)`.
        area: Area by which Y is divided; multiplies errors, range and mean, as in the paper.

    Returns:
        `ridge_r2`: explained share of the variance about the training mean, NaN without variance; `ridge_mae`,
        `ridge_mse`: errors; `y_range`, `y_abs_mean`: range and absolute mean of Y.
    """
    squared = absolute = variance = total = size = 0.0
    low, high, entries = np.inf, -np.inf, 0
    for prediction, truth in pairs:
        error = prediction - truth
        squared += float(np.square(error).sum())
        absolute += float(np.abs(error).sum())
        variance += float(np.square(truth - mean).sum())
        total += float(truth.sum())
        size += float(np.square(truth).sum())
        low, high = min(low, float(truth.min())), max(high, float(truth.max()))
        entries += truth.size
    return {
        # `mean` is stored in float32: with one train sample the variance is rounding error
        "ridge_r2": 1 - squared / variance if variance > NO_VARIANCE * size else np.nan,
        "ridge_mae": area * absolute / entries,
        "ridge_mse": area**2 * squared / entries,
        "y_range": area * (high - low),
        "y_abs_mean": area * abs(total / entries),
    }
