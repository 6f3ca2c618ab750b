"""How well A U agrees with Y: the figures of table 11, in one pass."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from fwibench.typing import Array64

NO_VARIANCE = 1e-12
"""Share of the squares of Y below which its variance is rounding: float32 has 6e-8, squared 4e-15."""


def regression_figures(pairs: Iterable[tuple[Array64, Array64]], mean: Array64, area: float) -> dict[str, float]:
    """Reads `(prediction, truth)` of Y batch by batch.

    Args:
        pairs: Each `(rows, M)`, divided by `area` as Y is.
        mean: Mean of Y over the train split, `(M,)`.
        area: Brings errors, range and mean to plain integrals of the normalised map, as the paper has them.

    Returns:
        `ridge_r2`: share of the variance about the training mean that is explained, NaN without variance; `ridge_mae`,
        `ridge_mse`; `y_range`, `y_abs_mean`.
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
        # `mean` is stored in float32: of one train sample, rounding alone is left
        "ridge_r2": 1 - squared / variance if variance > NO_VARIANCE * size else np.nan,
        "ridge_mae": area * absolute / entries,
        "ridge_mse": area**2 * squared / entries,
        "y_range": area * (high - low),
        "y_abs_mean": area * abs(total / entries),
    }
