"""Synthetic conductivity sections of one site in a sedimentary basin, with stored CO2.

Invariant: a site depends on its random generator only, a section on its site and its own generator.

The column resembles that of the southern San Joaquin basin: sands of fresh to brackish water above, shales and sands of
salt water below, a sand reservoir under a shale, granite at the base. It dips towards small x, is warped and cut by
normal faults. A plume of CO2 replaces brine in the reservoir and migrates up dip.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fwibench.datasets.random_fields import smooth_noise
from fwibench.typing import Array64


class Formation(NamedTuple):
    """A formation of the column.

    Attributes:
        name: Formation of the basin that it resembles.
        thickness: Typical thickness [m]; the last formation continues downwards.
        conductivity: Typical conductivity, filled with brine [S/m].
        bedding: Relative standard deviation of its thin beds.
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


class Fault(NamedTuple):
    """A normal fault: position at the middle depth of the section [m], slope dx/dz, throw at the base [m]."""

    at: float
    slope: float
    throw: float


class Site(NamedTuple):
    """Properties that all sections share.

    Attributes:
        thickness: Thickness of each formation in the undeformed column [m].
        conductivity: Logarithm of the conductivity of each formation [S/m].
        beds: Unit noise every `STEP` metres down the column.
        dip: Depth that layers gain per metre along x.
        relief: Lift of the layers at the base [m], `(X,)`.
        faults: The faults.
    """

    thickness: Array64
    conductivity: Array64
    beds: Array64
    dip: float
    relief: Array64
    faults: tuple[Fault, ...]


class Reservoir(NamedTuple):
    """Top and thickness of the reservoir in the undeformed column [m]."""

    top: float
    thickness: float


def draw_site(rng: np.random.Generator, shape: tuple[int, int], spacing: float) -> Site:
    """Draw the site.

    Args:
        rng: Random generator.
        shape: Number of nodes `(Z, X)`.
        spacing: Grid spacing [m].
    """
    thickness = np.array([f.thickness for f in COLUMN]) * rng.uniform(0.85, 1.15, len(COLUMN))
    width = spacing * (shape[1] - 1)
    faults = tuple(
        Fault(
            at=rng.uniform(0.1, 0.9) * width,
            slope=float(rng.choice([-1, 1])) / np.tan(np.radians(rng.uniform(58, 75))),
            throw=rng.uniform(30, 130),
        )
        for _ in range(3)
    )
    return Site(
        thickness=thickness,
        conductivity=np.log([f.conductivity for f in COLUMN]) + 0.12 * rng.standard_normal(len(COLUMN)),
        beds=smooth_noise(rng, (int(1.2 * thickness.sum() / STEP),), (BED / STEP,)),
        dip=rng.uniform(0.10, 0.20),
        relief=45 * smooth_noise(rng, shape[1:], (900 / spacing,)),
        faults=faults,
    )


def draw_section(
    rng: np.random.Generator, site: Site, shape: tuple[int, int], spacing: float, bounds: tuple[float, float]
) -> Array64:
    """Draw a realisation of the site, with a plume.

    Args:
        rng: Random generator.
        site: Site with the same nodes.
        shape: Number of nodes `(Z, X)`, the first row at the surface.
        spacing: Grid spacing [m].
        bounds: Lowest and highest conductivity [S/m], to which the section is clipped.

    Returns:
        Conductivity [S/m], `(Z, X)`.
    """
    profile, reservoir = draw_column(rng, site)
    level = stratigraphic_depth(rng, site, shape, spacing)
    brine = np.interp(level, STEP * np.arange(len(profile)), profile)
    lateral = np.exp(0.03 * smooth_noise(rng, shape[1:], (600 / spacing,)))
    gas = draw_plume(rng, (level - reservoir.top) / reservoir.thickness, spacing)
    return np.clip(brine * lateral * (1 - gas) ** ARCHIE, *bounds)


def draw_column(rng: np.random.Generator, site: Site) -> tuple[Array64, Reservoir]:
    """Draw the undeformed column of a realisation; the reservoir sand varies most.

    Returns:
        Conductivity [S/m] every `STEP` metres down from the surface, and top and thickness of the reservoir.
    """
    from scipy.ndimage import gaussian_filter1d

    thickness = site.thickness * rng.uniform(0.98, 1.02, len(COLUMN))
    thickness[RESERVOIR] *= rng.uniform(0.7, 1.3)
    typical = site.conductivity + 0.03 * rng.standard_normal(len(COLUMN))
    bedding = np.array([f.bedding for f in COLUMN])
    tops = np.concatenate([[0.0], np.cumsum(thickness)])
    depth = STEP * np.arange(min(int(tops[-1] / STEP), len(site.beds)))
    formation = np.searchsorted(tops, depth, side="right") - 1
    beds = bedding[formation] * site.beds[: len(depth)]
    profile = gaussian_filter1d(typical[formation] + beds, CONTACT / STEP, mode="nearest")
    return np.exp(profile), Reservoir(tops[RESERVOIR], thickness[RESERVOIR])


def stratigraphic_depth(rng: np.random.Generator, site: Site, shape: tuple[int, int], spacing: float) -> Array64:
    """Return the depth of every node in the undeformed column [m], `(Z, X)`.

    Dip, relief and throw grow with depth, as in a basin that subsides during sedimentation.

    Args:
        rng: Random generator.
        site: Site with the same nodes.
        shape: Number of nodes `(Z, X)`, the first row at the surface.
        spacing: Grid spacing [m].
    """
    nz, nx = shape
    z = spacing * np.arange(nz)[:, None]
    x = spacing * np.arange(nx)[None]
    growth = np.clip(z / z.max(), 0, 1)
    relief = site.relief + 8 * smooth_noise(rng, (nx,), (900 / spacing,))
    level = z + growth * (site.dip * (x - x.mean()) + rng.uniform(-15, 15) + relief)
    for fault in site.faults:
        throw = fault.throw * rng.uniform(0.85, 1.15) * growth
        beyond = (x - fault.at - fault.slope * (z - z.max() / 2)) * np.sign(fault.slope)
        level = level - throw / (1 + np.exp(-np.clip(beyond / spacing, -30, 30)))
    return level


def draw_plume(rng: np.random.Generator, height: Array64, spacing: float) -> Array64:
    """Draw the saturation of CO2, 0 to 1, `(Z, X)`.

    The plume follows the top of the reservoir, is thickest at the well and extends farther up dip.

    Args:
        rng: Random generator.
        height: Relative depth in the reservoir, 0 at its top and 1 at its base, `(Z, X)`.
        spacing: Grid spacing [m].
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
