"""Velocity maps in the style of the Style families.

Invariant: a map depends on its random generator only.

OpenFWI transforms natural images into velocity maps by a style-transfer network whose style is the Marmousi model, and
smooths them, version A more than B. Neither images nor network are used here. These maps start from the dead-leaves
model of natural images (objects that occlude each other), fill every leaf with warped strata, and are smoothed; the
amount is a choice of this suite. They are slow at the surface, since the amplitudes of OpenFWI allow about 3100 m/s
beside a source in Style-A and 2600 in Style-B.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fwibench.datasets.openfwi.layered import FASTEST, SIDE, SLOWEST
from fwibench.datasets.random_fields import smooth_noise
from fwibench.typing import Array64

MARGIN = 20


def style_map(rng: np.random.Generator, *, sharp: bool) -> Array64:
    """Draw a map.

    Args:
        rng: Random generator.
        sharp: Whether the smoothing is over 0.5 to 1.5 nodes instead of 3 to 6.

    Returns:
        Velocity [m/s], `(Z, X)`.
    """
    from scipy.ndimage import gaussian_filter

    row, column = np.mgrid[: SIDE + 2 * MARGIN, : SIDE + 2 * MARGIN].astype(float)
    # only two fields for the whole map, since smoothing takes most of the time
    fields = np.stack([smooth_noise(rng, row.shape, (len(row) / 10, len(row) / 6)) for _ in range(2)])
    picture = _strata(rng, row, column, fields)
    for _ in range(rng.integers(4, 12)):
        inside = _leaf(rng, row, column)
        picture = np.where(inside, _strata(rng, row, column, fields) + rng.normal(0, 0.7), picture)
    picture = gaussian_filter(picture, rng.uniform(0.5, 1.5) if sharp else rng.uniform(3, 6))
    section = picture[MARGIN:-MARGIN, MARGIN:-MARGIN]
    share = (section - section.min()) / np.ptp(section) * np.linspace(0.3 if sharp else 0.5, 1, SIDE)[:, None]
    low, high = rng.uniform(SLOWEST, 1800), rng.uniform(3700, FASTEST)
    return low + (high - low) * share


def _strata(rng: np.random.Generator, row: Array64, column: Array64, fields: Array64) -> Array64:
    """Tilted layers of random levels of unit variance, warped by a mixture of `fields`."""
    tilt, mixture = np.radians(rng.uniform(-40, 40)), rng.uniform(0, 2 * np.pi)
    warp = rng.uniform(2, 6) * (np.cos(mixture) * fields[0] + np.sin(mixture) * fields[1])
    depth = row * np.cos(tilt) + column * np.sin(tilt) + warp
    layer = np.floor((depth - depth.min()) / rng.uniform(4, 14)).astype(int)
    levels: Array64 = rng.standard_normal(layer.max() + 1)
    return levels[layer]


def _leaf(rng: np.random.Generator, row: Array64, column: Array64) -> NDArray[np.bool_]:
    """An ellipse anywhere on the canvas."""
    width = len(row)
    centre_z, centre_x = rng.uniform(0, width, 2)
    turn = rng.uniform(0, np.pi)
    long, short = rng.uniform(10, 40), rng.uniform(5, 20)
    along = (column - centre_x) * np.cos(turn) + (row - centre_z) * np.sin(turn)
    across = (row - centre_z) * np.cos(turn) - (column - centre_x) * np.sin(turn)
    return (along / long) ** 2 + (across / short) ** 2 < 1
