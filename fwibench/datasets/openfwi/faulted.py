"""Velocity maps of the FlatFault families: flat layers, cut by faults, with smooth edges.

Invariant: a map depends on its random generator only.

Fitted to 1,000 published maps of FlatFault-A. They have four layers of 14 nodes or more. Half of the layers are drawn
from the lower half of the velocity range, the others from the upper half, so the mean lies at the middle of the range.
One fault, normal or reverse, moves one side by 5 to 10 nodes; a layer keeps its velocity across it, and the fault
itself is a faint line. Layers end between nodes, and their edges are spread over two or three nodes. So a column has
11 steps of more than 1 m/s instead of 4, and most of them are small.

No map of FlatFault-B was available. It has five to seven layers and two faults here, so that velocity beside a source
stays below about 3100 m/s, as its amplitudes show.
"""

from __future__ import annotations

import numpy as np

from fwibench.datasets.openfwi.layered import FASTEST, SIDE, SLOWEST
from fwibench.typing import Array64

FINE = 4
"""Sub-nodes of a node along each axis, so that edges may be anywhere between nodes."""
LEAST_SHARE = 0.8
"""Share of the section that the smallest thicknesses add up to: 4 layers of 14 nodes are 0.8 of 70."""
CONCENTRATION = 0.6
"""Concentration of the Dirichlet distribution of the remaining thickness: most layers are close to the smallest one."""
LEAN = 55.0
"""Largest angle of a fault to the vertical [degrees]."""
THROW = (4.5, 10.5)
"""Smallest and largest vertical throw of a fault [nodes]."""
ZONE = (0.3, 1.0)
"""Smallest and largest half width of the damaged zone along a fault [nodes]."""
WEAKENING = (0.0, 0.04)
"""Smallest and largest share by which the damaged zone is slower: the published maps show most faults as faint
lines."""
EDGE = (0.28, 0.43)
"""Smallest and largest standard deviation of the smoothing [nodes]."""


def flat_fault_map(rng: np.random.Generator, *, layers: tuple[int, int], faults: tuple[int, int]) -> Array64:
    """Draw a map.

    Args:
        rng: Random generator.
        layers: Smallest and largest number of layers before faulting.
        faults: Smallest and largest number of faults.

    Returns:
        Velocity [m/s], `(Z, X)`.
    """
    from scipy.ndimage import gaussian_filter

    row, column = np.mgrid[: SIDE * FINE, : SIDE * FINE] / FINE
    count = int(rng.integers(*layers, endpoint=True))
    tops, velocities = _tops(rng, count), _velocities(rng, count)
    depth, weakening = row, np.zeros_like(row)
    for _ in range(rng.integers(*faults, endpoint=True)):
        distance = _distance(rng, row, column)
        depth = depth + (distance > 0) * rng.choice([-1, 1]) * rng.uniform(*THROW)
        zone = np.abs(distance) < rng.uniform(*ZONE)
        weakening = np.maximum(weakening, zone * rng.uniform(*WEAKENING))
    sharp = velocities[np.searchsorted(tops, depth, side="right")] * (1 - weakening)
    smooth = gaussian_filter(sharp, rng.uniform(*EDGE) * FINE, mode="nearest")
    section: Array64 = smooth[FINE // 2 :: FINE, FINE // 2 :: FINE]
    # removes rounding errors of the filter, which would count as steps
    return section.round(1).clip(SLOWEST, FASTEST)


def _tops(rng: np.random.Generator, count: int) -> Array64:
    """Depths of the tops of the layers [nodes], without the first."""
    least = LEAST_SHARE * SIDE / count
    thickness = least + (1 - LEAST_SHARE) * SIDE * rng.dirichlet(np.full(count, CONCENTRATION))
    return np.cumsum(thickness)[:-1]


def _velocities(rng: np.random.Generator, count: int) -> Array64:
    """Velocities from the top [m/s]: half of them from the lower half of the range."""
    middle = (SLOWEST + FASTEST) // 2
    slow = count // 2 + (int(rng.integers(0, 2)) if count % 2 else 0)
    below, above = rng.integers(SLOWEST, middle, slow), rng.integers(middle, FASTEST + 1, count - slow)
    return np.concatenate([np.sort(below), np.sort(above)]).astype(float)


def _distance(rng: np.random.Generator, row: Array64, column: Array64) -> Array64:
    """Distance [nodes, along a row] of each node to the right of a straight fault."""
    lean = np.tan(np.radians(rng.uniform(-LEAN, LEAN)))
    return column - rng.uniform(0.1, 0.9) * SIDE - lean * (row - SIDE / 2)
