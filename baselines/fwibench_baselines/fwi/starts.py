"""Start models.

Invariant: a fair start is made from the train split. A smoothed truth is an oracle and has a track of its own.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

Maps = NDArray[np.float32]


def depth_gradient(mean: Maps) -> Maps:
    """The straight line over depth that fits the mean map best, for every column alike."""
    profile = mean[0].mean(1)
    depth = np.arange(len(profile))
    line = np.polynomial.Polynomial.fit(depth, profile, 1)(depth)
    return np.broadcast_to(line[None, :, None], mean.shape).astype(np.float32)


def smoothed(maps: Maps, cells: float) -> Maps:
    """Maps `(n, 1, Z, X)` blurred by a Gaussian; edges are continued."""
    return np.asarray(gaussian_filter(maps, (0, 0, cells, cells), mode="nearest"), np.float32)
