"""Intervals of means by resampling.

Invariant: the same scores give the same interval, whatever else is computed beside them.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from fwibench.typing import Scores

RESAMPLES = 2000
LEVEL = 0.95
SEED = 20220717
"""Of the resampling; any number would do, it has to stay the same."""
BLOCK = 2**22
"""Weights held at once."""

Ends = tuple[float, float]


def interval(scores: Scores) -> Ends | None:
    """95 % bootstrap interval of the mean over seeds and samples.

    Every seed sees the same samples, so both are drawn with replacement by themselves and a resample is the
    mean over all pairs of the drawn (Owen, Annals of Applied Statistics 2007). The ends are percentiles,
    expanded for the number of samples, see `tail`. One seed says nothing of the spread between seeds: the
    interval is then of the samples alone. It is narrow where there are few seeds.

    Args:
        scores: `(seeds, samples)`.

    Returns:
        Both ends; None for a single sample, or where a score is missing.
    """
    if scores.shape[1] < 2 or not np.isfinite(scores).all():
        return None
    return _ends(_means(scores, "seeds"), scores.shape[1])


def interval_of_difference(first: Scores, second: Scores) -> Ends | None:
    """The same of the mean of the first less that of the second, on the same samples.

    A resample has the same samples for both, and of each seeds of its own.

    Args:
        first: `(seeds, samples)`.
        second: `(other seeds, samples)`.

    Returns:
        Both ends; None for a single sample, or where a score is missing.
    """
    n = first.shape[1]
    if n < 2 or not (np.isfinite(first).all() and np.isfinite(second).all()):
        return None
    return _ends(_means(first, "seeds") - _means(second, "seeds of the other"), n)


def tail(samples: int) -> float:
    """What is cut off at each end of the resampled means, as a part of 1.

    Percentiles of few samples are too narrow, as an interval by the normal distribution with the samples' own
    deviation would be. They are expanded as much as Student's t would widen that one (the expanded
    percentile interval of Hesterberg, The American Statistician 2015).
    """
    from scipy.special import ndtr, stdtrit

    return float(ndtr(math.sqrt(samples / (samples - 1)) * stdtrit(samples - 1, (1 - LEVEL) / 2)))


def _ends(means: Scores, samples: int) -> Ends:
    outside = tail(samples)
    low, high = np.quantile(means, [outside, 1 - outside])
    return float(low), float(high)


def _means(scores: Scores, seeds: str) -> Scores:
    """Means of the resamples; methods whose seeds have one name share their draws."""
    repetitions, samples = scores.shape
    rows = min(max(BLOCK // samples, 1), RESAMPLES)
    return np.concatenate(
        [
            # not `@`: the threads of BLAS cost more than they bring here, and would decide on the last digits
            (np.einsum("bn,sn->bs", _weights(samples, rows, start, "samples"), scores) * drawn).sum(1)
            for start in range(0, RESAMPLES, rows)
            for drawn in (_weights(repetitions, rows, start, seeds),)
        ]
    )[:RESAMPLES]


# methods are compared on the same samples: their draws are made once
@lru_cache(maxsize=16)
def _weights(n: int, rows: int, start: int, what: str) -> Scores:
    """Shares of `n` things in resamples from the one numbered `start`: `(rows, n)`."""
    if n == 1:
        return np.ones((rows, 1))
    generator = np.random.default_rng([SEED, n, start, *what.encode()])
    return generator.multinomial(n, np.full(n, 1 / n), size=rows) / n
