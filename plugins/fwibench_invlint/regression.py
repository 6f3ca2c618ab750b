"""Agreement of A U with Y: the quantities of table 11, in one pass."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from fwibench.typing import Array64

NO_VARIANCE = 1e-12
"""Variance of Y over its mean square below which it is rounding error: that of float32 is 6e-8, squared 4e-15."""
RESAMPLES = 2000
"""Number of bootstrap resamples of an interval."""
SEED = 20220717
"""Seed of the resampling; any number does, but a changed one changes every interval."""


def regression_figures(
    split: str, pairs: Iterable[tuple[Array64, Array64]], mean: Array64, area: float, *, interval: bool = False
) -> dict[str, float]:
    """Return quantities that compare predicted and true Y.

    Args:
        split: Name of the split, which ends the names of the quantities.
        pairs: Batches of predicted and true Y, each `(rows, M)`.
        mean: Mean of Y over the train split `(M,)`.
        area: Area by which Y is divided; multiplies errors, range, mean and deviation, as in the paper.
        interval: Whether to add `ridge_r2_SPLIT_low` and `ridge_r2_SPLIT_high`, the 95 % bootstrap interval of R2 over
            samples.

    Returns:
        `ridge_r2`: explained share of the variance about the training mean, NaN without variance; `ridge_mae`,
        `ridge_mse`: errors; `y_range`, `y_abs_mean`: range and absolute mean of Y; `y_deviation`: its standard
        deviation about the training mean.
    """
    squares: list[Array64] = []
    variances: list[Array64] = []
    absolute = total = size = 0.0
    low, high, entries = np.inf, -np.inf, 0
    for prediction, truth in pairs:
        error = prediction - truth
        squares.append(np.square(error).sum(1))
        variances.append(np.square(truth - mean).sum(1))
        absolute += float(np.abs(error).sum())
        total += float(truth.sum())
        size += float(np.square(truth).sum())
        low, high = min(low, float(truth.min())), max(high, float(truth.max()))
        entries += truth.size
    squared, variance = np.concatenate(squares), np.concatenate(variances)
    # `mean` is stored in float32: with one train sample the variance is rounding error
    varies = variance.sum() > NO_VARIANCE * size
    figures = {
        "ridge_r2": float(1 - squared.sum() / variance.sum()) if varies else np.nan,
        "ridge_mae": area * absolute / entries,
        "ridge_mse": area**2 * float(squared.sum()) / entries,
        "y_range": area * (high - low),
        "y_abs_mean": area * abs(total / entries),
        "y_deviation": area * math.sqrt(float(variance.sum()) / entries) if varies else 0.0,
    }
    named = {f"{name}_{split}": value for name, value in figures.items()}
    if interval:
        ends = r2_interval(squared, variance) if varies else (np.nan, np.nan)
        named |= {f"ridge_r2_{split}_{end}": value for end, value in zip(("low", "high"), ends, strict=True)}
    return named


def r2_interval(squared: Array64, variance: Array64) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of R2 over samples, percentiles of resamples; NaN for a single sample.

    Args:
        squared: Squared error of each sample `(n,)`.
        variance: Squared distance of each sample from the training mean `(n,)`.
    """
    n = len(squared)
    if n < 2:
        return np.nan, np.nan
    drawn = np.random.default_rng(SEED).multinomial(n, np.full(n, 1 / n), RESAMPLES)
    # a resample may consist of samples that equal the training mean
    with np.errstate(divide="ignore", invalid="ignore"):
        low, high = np.nanquantile(1 - (drawn @ squared) / (drawn @ variance), (0.025, 0.975))
    return float(low), float(high)
