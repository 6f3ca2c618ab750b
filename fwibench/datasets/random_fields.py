"""Random fields of synthetic geology.

Invariant: a field depends on its random generator only.
"""

from __future__ import annotations

import numpy as np

from fwibench.typing import Array64


def smooth_noise(rng: np.random.Generator, shape: tuple[int, ...], scale: tuple[float, ...]) -> Array64:
    """Draw a Gaussian random field of unit variance.

    Args:
        rng: Random generator.
        shape: Shape of the field.
        scale: Standard deviation of the Gaussian smoothing along each axis [nodes].
    """
    from scipy.ndimage import gaussian_filter

    margin = [int(np.ceil(3 * s)) for s in scale]
    white = rng.standard_normal([n + 2 * m for n, m in zip(shape, margin, strict=True)])
    field = gaussian_filter(white, scale, mode="wrap")
    field = field[tuple(slice(m, m + n) for n, m in zip(shape, margin, strict=True))]
    return field / field.std()
