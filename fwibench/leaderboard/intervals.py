"""Intervals of means by resampling.

Invariant: the same scores give the same interval, whatever else is computed beside them.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000
LEVEL = 0.95
SEED = 20220717
"""Of the resampling; any number would do, it has to stay the same."""
BLOCK = 2**22
"""Weights held at once."""

Scores = NDArray[np.float64]


def interval(scores: Scores) -> tuple[float, float] | None:
    """95 % percentile bootstrap interval of the mean over seeds and samples.

    Every seed sees the same samples, so both are drawn with replacement by themselves and a resample is the
    mean over all pairs of the drawn (Owen, Annals of Applied Statistics 2007). One seed says nothing of the spread
    between seeds: the interval is then of the samples alone. It is narrow where there are few of either.

    Args:
        scores: `(seeds, samples)`.

    Returns:
        Both ends; None for a single sample, or where a score is missing.
    """
    seeds, samples = scores.shape
    if samples < 2 or not np.isfinite(scores).all():
        return None
    rows = min(max(BLOCK // samples, 1), RESAMPLES)
    means = np.concatenate(
        [
            # not `@`: the threads of BLAS cost more than they bring here, and would decide on the last digits
            (np.einsum("bn,sn->bs", _weights(samples, rows, start, "samples"), scores) * drawn).sum(1)
            for start in range(0, RESAMPLES, rows)
            for drawn in (_weights(seeds, rows, start, "seeds"),)
        ]
    )[:RESAMPLES]
    low, high = np.quantile(means, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


# methods are compared on the same samples: their draws are made once
@lru_cache(maxsize=4)
def _weights(n: int, rows: int, start: int, what: str) -> Scores:
    """Shares of `n` things in resamples from the one numbered `start`: `(rows, n)`."""
    if n == 1:
        return np.ones((rows, 1))
    generator = np.random.default_rng([SEED, n, start, what == "seeds"])
    return generator.multinomial(n, np.full(n, 1 / n), size=rows) / n
