"""Synthetic CO2 storage site, and leaks that rise through wells or a fault into shallower sands.

Invariant: all leaks share one site; a leak depends on its random generator only. A leak never shrinks, so velocity
never increases with time.

Units and their order are those of the southern San Joaquin Basin (sands and shales of the Tertiary over a storage sand
at 2.6 km); depths and velocities are invented. The plume is not a flow simulation: it has the shapes of buoyant flow,
chimneys, and lenses under seals that spread with the square root of time.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fwibench.datasets.random_fields import smooth_noise
from fwibench.typing import Array64


class Unit(NamedTuple):
    """A formation: level of its top [m], velocity there [m/s], and whether it is sand that stores CO2."""

    top: float
    velocity: float
    sand: bool


UNITS = (
    Unit(-1000, 1720, False),
    Unit(170, 1900, True),
    Unit(260, 1980, False),
    Unit(420, 2130, True),
    Unit(500, 2080, False),
    Unit(640, 2300, True),
    Unit(740, 2210, False),
    Unit(930, 2480, True),
    Unit(1050, 2350, False),
    Unit(1330, 2680, True),
    Unit(1450, 2520, False),
    Unit(1800, 2950, True),
    Unit(1960, 2700, False),
    Unit(2600, 3250, True),
    Unit(2830, 3050, False),
    Unit(3250, 3500, False),
    Unit(3600, 4100, False),
)
SANDS = [k for k, unit in enumerate(UNITS) if unit.sand and unit.top < 2600]
STORAGE = 2600.0
DIP = 0.05
COMPACTION = 0.2
"""Increase of velocity with depth within a unit [1/s]."""
FAULTS = ((250.0, 0.2, 45.0), (720.0, 0.2, 30.0))
"""Position at the surface [m], offset per metre of depth and throw [m] of each fault."""
WELLS = (150.0, 420.0, 560.0, 700.0, 830.0, 1180.0, 1290.0)
"""Positions of legacy wells that may leak [m]."""


class Site(NamedTuple):
    """The site before any leak, all fields `(Z, X)`: depth, distance and stratigraphic level [m], velocity [m/s]."""

    z: Array64
    x: Array64
    level: Array64
    velocity: Array64


class Leak(NamedTuple):
    """A scenario.

    Attributes:
        surface: Position at the surface of the well or fault that leaks [m].
        slope: Offset of that path per metre of depth.
        onset: Start of the leak [years].
        ascent: Speed of the rising front [m/year].
        ceiling: Highest level that the front reaches [m].
        chimney: Half width of the path's halo [m].
        spread: Radius in each sand a hundred years after arrival [m]; 0 in sands that the leak does not enter.
        column: Height of CO2 under each seal a hundred years after arrival [m].
        softening: Largest relative loss of velocity in each sand.
        background: Relative change of each unit's velocity in this scenario.
    """

    surface: float
    slope: float
    onset: float
    ascent: float
    ceiling: float
    chimney: float
    spread: Array64
    column: Array64
    softening: Array64
    background: Array64


def storage_site(rng: np.random.Generator, shape: tuple[int, int], spacing: float) -> Site:
    """Draw the layered, dipping, faulted site.

    Args:
        rng: Random generator of bedding and lateral variation, the same for all scenarios.
        shape: Number of nodes `(Z, X)`.
        spacing: Grid spacing [m].
    """
    z, x = np.meshgrid(*(np.arange(n) * spacing for n in shape), indexing="ij")
    undulation = 12 * smooth_noise(rng, (shape[1],), (shape[1] / 5,))
    level = z + DIP * (x - x.mean()) + undulation
    for surface, slope, throw in FAULTS:
        down = np.sign(slope) * (x - surface - slope * z) > 0
        level = level - np.where(down, throw * np.clip(z / 400, 0.2, 1), 0)
    beds = smooth_noise(rng, (int(np.ptp(level) / 5) + 2,), (2.5,))
    bedding = 0.025 * beds[((level - level.min()) / 5).astype(int)]
    lateral = 0.006 * smooth_noise(rng, shape, (4, 15))
    return Site(z, x, level, _units(level) * (1 + bedding + lateral))


def _units(level: Array64) -> Array64:
    tops = np.array([unit.top for unit in UNITS])
    which = unit_of(level)
    return np.array([unit.velocity for unit in UNITS])[which] + COMPACTION * (level - np.maximum(tops, 0)[which])


def unit_of(level: Array64) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Return the index of the unit at each level [m]."""
    return np.searchsorted([unit.top for unit in UNITS], level, side="right").clip(1) - 1


def draw_leak(rng: np.random.Generator) -> Leak:
    """Draw a scenario: path, speed and ceiling of the leak, sands that it enters, changes of the background."""
    if rng.uniform() < 0.7:
        surface, slope = float(rng.choice(WELLS)), 0.0
    else:
        surface, slope, _ = FAULTS[rng.integers(len(FAULTS))]
    rate, permeability = rng.lognormal(0, 0.35), rng.lognormal(0, 0.4, len(SANDS))
    entered = rng.uniform(size=len(SANDS)) < 0.75
    entered[rng.integers(len(SANDS) - 2)] = True
    return Leak(
        surface=surface,
        slope=slope,
        onset=rng.uniform(1, 30),
        ascent=rng.uniform(35, 160),
        ceiling=rng.uniform(120, 600),
        chimney=rng.uniform(10, 24),
        spread=np.where(entered, 190 * np.sqrt(rate * permeability), 0.0),
        column=rng.uniform(25, 70, len(SANDS)) * np.sqrt(rate / permeability) ** 0.5,
        softening=rng.uniform(0.10, 0.19, len(SANDS)) * np.linspace(1.1, 0.7, len(SANDS)),
        background=rng.normal(0, 0.0025, len(UNITS)),
    )


def leaking_site(site: Site, leak: Leak, years: float) -> Array64:
    """Return the velocity of the site some years after the start of injection.

    Args:
        site: The site.
        leak: The scenario.
        years: Time [years]; before `leak.onset` there is no leak.

    Returns:
        P velocity [m/s], `(Z, X)`.
    """
    from scipy.ndimage import gaussian_filter

    ground = site.velocity * (1 + leak.background[unit_of(site.level)])
    return gaussian_filter(ground * (1 - softening(site, leak, years)), 0.7, mode="nearest")


def softening(site: Site, leak: Leak, years: float) -> Array64:
    """Return the relative loss of velocity by leaked CO2, `(Z, X)`.

    Args:
        site: The site.
        leak: The scenario.
        years: Time since the start of injection [years].
    """
    loss = np.zeros_like(site.z)
    active = years - leak.onset
    if active <= 0:
        return loss
    path = leak.surface + leak.slope * site.z
    front = max(STORAGE - leak.ascent * active, leak.ceiling)
    risen = np.clip((site.level - front) / 40, 0, 1) * (site.level < STORAGE)
    loss = 0.05 * risen * np.exp(-0.5 * ((site.x - path) / leak.chimney) ** 2)
    for k, spread, column, most in zip(SANDS, leak.spread, leak.column, leak.softening, strict=True):
        top, base = UNITS[k].top, UNITS[k + 1].top
        since = active - (STORAGE - top) / leak.ascent
        if since <= 0 or spread == 0 or base < leak.ceiling:
            continue
        # buoyancy moves it up dip, which is towards larger x
        reach = spread * np.sqrt(since / 100) * np.where(site.x > path, 1.3, 0.7)
        height = min(column * (since / 100) ** 0.3, base - top)
        lens = height * np.clip(1 - ((site.x - path) / reach) ** 2, 0, None)
        filled = np.clip((lens - (site.level - top)) / 12, 0, 1) * (site.level >= top) * (site.level < base)
        # a little gas softens a rock nearly as much as a lot
        loss = np.maximum(loss, most * (1 - np.exp(-3 * filled)) / (1 - np.exp(-3)))
    return loss
