"""Scores of samples of a prediction: how well their spread says where the truth lies.

All take samples `(m, n, 1, Z, X)` as m equally likely maps: the prediction is their distribution at each node.
"""

from __future__ import annotations

import numpy as np

from fwibench.problem import Problem
from fwibench.typing import Array32, Array64, Maps, Scores

TAIL = 0.05
"""Probability on either side of the central 90 % interval."""


def crps(samples: Array32, truth: Maps, problem: Problem) -> Scores:
    """Return the continuous ranked probability score (CRPS) of each test sample, the mean of its nodes.

    `E|X - y| - E|X - X'| / 2` with X and X' drawn from the m samples (Gneiting and Raftery, JASA 2007, eq. 21), which
    equals the integral of the squared difference of their distribution function and that of the truth y. It is the MAE
    where all samples are equal. The expectations are those of the empirical distribution, with `1 / m^2` in the second
    one: the m maps are the prediction. The fair estimator with `1 / (m (m - 1))` is for independent draws of a larger
    distribution, which calibrated members or quantiles are not; it can be negative.

    Args:
        samples: Samples `(m, n, 1, Z, X)` in physical units.
        truth: True maps `(n, 1, Z, X)`.
        problem: Not used.

    Returns:
        Scores `(n,)` in the property's unit.
    """
    ordered = np.sort(samples.astype(np.float64), axis=0)
    m = len(ordered)
    error = np.abs(ordered - truth).mean(axis=0)
    # the sum of all m^2 differences is twice this weighted sum of the ordered samples
    weights = 2 * np.arange(1, m + 1) - m - 1
    return _over_nodes(error - np.tensordot(weights, ordered, axes=1) / m**2)


def coverage_90(samples: Array32, truth: Maps, problem: Problem) -> Scores:
    """Return the share of the nodes of each test sample whose truth lies in the central 90 % interval of the samples.

    A calibrated method has 0.9 on average.

    Args:
        samples: See `crps`.
        truth: See `crps`.
        problem: See `crps`.
    """
    low, high = _interval(samples)
    return _over_nodes((low <= truth) & (truth <= high))


def sharpness(samples: Array32, truth: Maps, problem: Problem) -> Scores:
    """Return the mean width of the central 90 % intervals of each test sample, in the property's unit.

    Args:
        samples: See `crps`.
        truth: Not used.
        problem: See `crps`.
    """
    low, high = _interval(samples)
    return _over_nodes(high - low)


def _interval(samples: Array32) -> Array64:
    """Return both ends of the central 90 % interval `(2, n, 1, Z, X)`.

    The quantile at level p is the sample of rank p (m + 1), so that the interval holds a further independent draw with
    a probability of 90 % (Hyndman and Fan 1996, definition 6). With fewer than 19 samples it ends at the extremes,
    which hold such a draw with a probability of (m - 1) / (m + 1).
    """
    return np.quantile(samples.astype(np.float64), [TAIL, 1 - TAIL], axis=0, method="weibull")


def _over_nodes(values: Array64) -> Scores:
    return values.reshape(len(values), -1).mean(axis=1)
