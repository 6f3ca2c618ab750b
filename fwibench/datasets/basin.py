"""Synthetic conductivity sections of a sedimentary basin with stored CO2.

Invariant: a section is a function of its random generator alone.

The column follows the southern San Joaquin basin in character: fresh to brackish sands above, shales and
sands of salt water below, a sand reservoir under a shale, granite at the base. It dips towards small x, is
warped and cut by normal faults. A plume of CO2 replaces brine in the reservoir and rises up dip.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from fwibench.datasets.geology import smooth_noise

Array = NDArray[np.float64]


class Formation(NamedTuple):
    """One formation of the column.

    Attributes:
        name: The formation of the basin that it resembles.
        thickness: Typical [m]; the last one goes on downwards.
        conductivity: Typical, filled with brine [S/m].
        bedding: Relative deviation of its thin beds.
    """

    name: str
    thickness: float
    conductivity: float
    bedding: float


COLUMN = (
    Formation("Tulare sand", 500.0, 0.06, 0.20),
    Formation("Etchegoin", 600.0, 0.15, 0.20),
    Formation("Santa Margarita sand", 450.0, 0.22, 0.12),
    Formation("Fruitvale shale", 350.0, 0.38, 0.08),
    Formation("Olcese sand", 220.0, 0.20, 0.12),
    Formation("Freeman shale", 350.0, 0.40, 0.06),
    Formation("Vedder sand", 230.0, 0.30, 0.10),
    Formation("Kreyenhagen shale", 280.0, 0.35, 0.08),
    Formation("Famoso sand", 150.0, 0.14, 0.10),
    Formation("granite", 1000.0, 0.03, 0.05),
)
RESERVOIR = 6
STEP = 2.0
"""Sampling of the column [m]."""
BED = 14.0
"""Typical half thickness of a bed [m]."""
CONTACT = 8.0
"""Half width of the transition between two formations [m]."""
ARCHIE = 2.0
"""Saturation exponent: conductivity falls with the share of brine to this power."""


class Reservoir(NamedTuple):
    """Top and thickness of the reservoir in the undeformed column [m]."""

    top: float
    thickness: float


def draw_section(
    rng: np.random.Generator, shape: tuple[int, int], spacing: float, bounds: tuple[float, float]
) -> Array:
    """One section with a plume.

    Args:
        rng: Source of randomness.
        shape: `(Z, X)` nodes, the first row at the surface.
        spacing: Of the nodes [m].
        bounds: Lowest and highest conductivity [S/m]; the section is clipped to them.

    Returns:
        Conductivity [S/m], `(Z, X)`.
    """
    profile, reservoir = draw_column(rng)
    level = stratigraphic_depth(rng, shape, spacing)
    brine = np.interp(level, STEP * np.arange(len(profile)), profile)
    lateral = np.exp(0.05 * smooth_noise(rng, shape[1:], (600 / spacing,)))
    gas = draw_plume(rng, (level - reservoir.top) / reservoir.thickness, spacing)
    return np.clip(brine * lateral * (1 - gas) ** ARCHIE, *bounds)


def draw_column(rng: np.random.Generator) -> tuple[Array, Reservoir]:
    """The undeformed column.

    Returns:
        Conductivity [S/m] every `STEP` metres down from the surface, and where the reservoir lies.
    """
    from scipy.ndimage import gaussian_filter1d

    thickness = np.array([f.thickness for f in COLUMN]) * rng.uniform(0.85, 1.15, len(COLUMN))
    thickness[RESERVOIR] *= rng.uniform(0.7, 1.3)
    typical = np.log([f.conductivity for f in COLUMN]) + 0.12 * rng.standard_normal(len(COLUMN))
    bedding = np.array([f.bedding for f in COLUMN])
    tops = np.concatenate([[0.0], np.cumsum(thickness)])
    depth = STEP * np.arange(int(tops[-1] / STEP))
    formation = np.searchsorted(tops, depth, side="right") - 1
    beds = smooth_noise(rng, depth.shape, (BED / STEP,))
    profile = gaussian_filter1d(typical[formation] + bedding[formation] * beds, CONTACT / STEP, mode="nearest")
    return np.exp(profile), Reservoir(tops[RESERVOIR], thickness[RESERVOIR])


def stratigraphic_depth(rng: np.random.Generator, shape: tuple[int, int], spacing: float) -> Array:
    """Depth in the undeformed column of every node [m], `(Z, X)`.

    Dip, relief and throw grow with depth, as they do where a basin sank while it was filled.
    """
    nz, nx = shape
    z = spacing * np.arange(nz)[:, None]
    x = spacing * np.arange(nx)[None]
    along = x - x.mean()
    growth = np.clip(z / z.max(), 0, 1)
    relief = 45 * smooth_noise(rng, (nx,), (900 / spacing,))
    level = z + growth * (rng.uniform(0.10, 0.20) * along + rng.uniform(-80, 80) + relief)
    for _ in range(rng.integers(1, 4)):
        at, slope = rng.uniform(0.1, 0.9) * x.max(), rng.choice([-1, 1]) / np.tan(np.radians(rng.uniform(58, 75)))
        throw = rng.uniform(30, 130) * growth
        beyond = (x - at - slope * (z - z.max() / 2)) * np.sign(slope)
        level = level - throw / (1 + np.exp(-np.clip(beyond / spacing, -30, 30)))
    return level


def draw_plume(rng: np.random.Generator, height: Array, spacing: float) -> Array:
    """Saturation of CO2, 0 to 1, `(Z, X)`.

    It hugs the top of the reservoir, is thickest about the well and reaches farther up dip.

    Args:
        rng: Source of randomness.
        height: 0 at the top of the reservoir and 1 at its base, `(Z, X)`.
        spacing: Of the nodes [m].
    """
    nx = height.shape[1]
    x = spacing * np.arange(nx)
    well = rng.uniform(0.3, 0.7) * x[-1]
    reach = rng.uniform(300, 1300)
    up_dip, down_dip = reach * rng.uniform(1.0, 1.6), reach * rng.uniform(0.5, 0.9)
    distance = np.where(x > well, (x - well) / up_dip, (well - x) / down_dip)
    fill = rng.uniform(0.4, 1.0) * np.clip(1 - distance**2, 0, None)
    fill = fill * np.exp(0.2 * smooth_noise(rng, (nx,), (150 / spacing,)))
    inside = np.clip(np.minimum(height, fill - height) / 0.08 + 0.5, 0, 1) * (fill > 0)
    patches = 1 + 0.12 * smooth_noise(rng, height.shape, (30 / spacing, 150 / spacing))
    return np.clip(rng.uniform(0.35, 0.8) * inside * patches, 0, 0.9)
