"""Structural similarity (SSIM) in the two conventions of published results.

Both scale maps to [0, 1] by the bounds of the problem, so that the data range is 1 for every batch, and use an 11 x 11
Gaussian window of sigma 1.5 with biased local moments, C1 = 0.01**2 and C2 = 0.03**2. The InvLINT paper says that maps
are kept in [-1, 1]; OpenFWI's code shifts them to [0, 1] first, and the constants are those of that range.
"""

from __future__ import annotations

import numpy as np

from fwibench.problem import Problem
from fwibench.typing import Maps, Scores

RADIUS = 5
SIGMA = 1.5
C1, C2 = 0.01**2, 0.03**2


def ssim(prediction: Maps, truth: Maps, problem: Problem) -> Scores:
    """Return SSIM as OpenFWI and the InvLINT paper define it: zero padding, mean over the whole map.

    Args:
        prediction: Predicted maps `(n, 1, Z, X)` in physical units.
        truth: True maps of the same shape.
        problem: Problem with the bounds of the property.

    Returns:
        Scores `(n,)`; 1 for identical maps.
    """
    pairs = zip(prediction[:, 0], truth[:, 0], strict=True)
    return np.array([_ssim_map(*pair, problem).mean() for pair in pairs])


def ssim_wang(prediction: Maps, truth: Maps, problem: Problem) -> Scores:
    """Return SSIM as Wang et al. (2004), scikit-image and torchmetrics define it: mean over complete windows.

    Args:
        prediction: See `ssim`.
        truth: See `ssim`.
        problem: See `ssim`.

    Returns:
        Scores `(n,)`; NaN where a map is smaller than the window.
    """
    if min(problem.grid.shape) <= 2 * RADIUS:
        return np.full(len(truth), np.nan)
    inner = slice(RADIUS, -RADIUS)
    pairs = zip(prediction[:, 0], truth[:, 0], strict=True)
    return np.array([_ssim_map(*pair, problem)[inner, inner].mean() for pair in pairs])


def _ssim_map(prediction: Maps, truth: Maps, problem: Problem) -> Scores:
    """Return the similarity at each node of a map `(Z, X)`; the moments take ten times the memory of the map."""
    low, span = problem.property.low, problem.property.high - problem.property.low
    a = (prediction.astype(np.float64) - low) / span
    b = (truth.astype(np.float64) - low) / span
    mean_a, mean_b = _window(a), _window(b)
    var_a = _window(a * a) - mean_a**2
    var_b = _window(b * b) - mean_b**2
    covariance = _window(a * b) - mean_a * mean_b
    luminance = (2 * mean_a * mean_b + C1) / (mean_a**2 + mean_b**2 + C1)
    return luminance * (2 * covariance + C2) / (var_a + var_b + C2)


def _window(maps: Scores) -> Scores:
    from scipy.ndimage import correlate1d

    offsets = np.arange(-RADIUS, RADIUS + 1)
    weights = np.exp(-(offsets**2) / (2 * SIGMA**2))
    weights /= weights.sum()
    for axis in (0, 1):
        maps = correlate1d(maps, weights, axis=axis, mode="constant")
    return maps
