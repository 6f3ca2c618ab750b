"""Samples of a prediction whose mean and standard deviation are known."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np

from fwibench.typing import Array32

LEVELS = 39
"""Default number of samples, two of which, at 5 and 95 %, are the ends of the central 90 % interval."""


def gaussian_samples(mean: Array32, deviation: Array32, count: int = LEVELS) -> Array32:
    """Return evenly spaced quantiles of a normal distribution at each node, for `Method.predict_samples`.

    The levels are `i / (count + 1)`. With the default count, coverage and width of the central 90 % interval are those
    of the normal distribution, and the CRPS differs by less than 4 % from its own. Nodes are fully correlated: a sample
    is the mean map plus the same multiple of the deviation everywhere.

    Args:
        mean: Predicted maps `(n, 1, Z, X)` in physical units.
        deviation: Standard deviations, of a shape that broadcasts to that of `mean`, in the same unit.
        count: Number of samples.

    Returns:
        Samples `(count, n, 1, Z, X)`.
    """
    levels = [NormalDist().inv_cdf(number / (count + 1)) for number in range(1, count + 1)]
    steps = np.array(levels, np.float32).reshape(-1, *[1] * mean.ndim)
    return mean + steps * deviation
