"""The integral kernels of measurement and property (sections 3.1 and 4.1.2)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def sine_kernels(nt: int, n: int) -> Array:
    """sin(n pi t) for n = 1..N on t in (0, 1], `(T, N)`.

    The kernel does not depend on x, so data are averaged over receivers first and the two-dimensional
    kernel is never formed.
    """
    t = np.arange(1, nt + 1) / nt
    return np.sin(np.pi * np.outer(t, np.arange(1, n + 1)))


def gaussian_centres(shape: tuple[int, int], embedding: int) -> tuple[int, int]:
    """How many centres along depth and x: evenly spread, about `embedding` in all, at least as dense.

    70 x 70 gives 23 x 23 for 512, 40 x 60 gives 19 x 28, 401 x 141 gives 39 x 14.
    """
    spacing = max(math.sqrt(shape[0] * shape[1] / embedding), 1.0)
    return math.ceil(shape[0] / spacing), math.ceil(shape[1] / spacing)


def gaussian_kernels(length: int, centres: int) -> Array:
    """One axis of the Gaussian kernels, `(centres, length)`.

    Centres are evenly spread and sigma is their spacing. Every kernel is divided by the area of the whole
    Gaussian, so that integrals of a normalised map stay near [-1, 1].
    """
    sigma = length / centres
    middle = (np.arange(centres) + 0.5) * sigma - 0.5
    distance = np.arange(length)[None, :] - middle[:, None]
    return np.exp(-(distance**2) / (2 * sigma**2)) / (math.sqrt(2 * math.pi) * sigma)
