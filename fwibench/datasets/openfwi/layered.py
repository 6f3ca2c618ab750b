"""Layered velocity maps with sharp edges, flat or curved, with or without faults; `faulted` has the FlatFault families.

Invariant: a map depends on its random generator only; velocities are integers in m/s.

Published (Deng et al., 2022): layers flat or curved like a sine, in the Fault families cut by faults; in the Vel
families velocity grows with depth in version A and is in any order in version B. The number and thickness of layers and
the distribution of velocities are fitted to 100 maps of FlatVel-A. That velocity grows with depth in both CurveFault
families follows from their amplitudes: the largest grows with the velocity beside a source, and in version B those of
OpenFWI allow no more than about 3100 m/s there, where 4500 would occur in any order. So version B has thinner layers
here, and more faults. Curvature, throw and dip are choices of this suite. In the one published CurveFault map that was
available, edges are sharp, and the two sides of a fault differ by 12 to 22 % in velocity, as in some of these.
"""

from __future__ import annotations

import numpy as np

from fwibench.typing import Array64, Indices

SIDE = 70
SLOWEST, FASTEST = 1500, 4500


def layered_map(
    rng: np.random.Generator, *, curved: bool, ordered: bool, interfaces: tuple[int, int], faults: tuple[int, int]
) -> Array64:
    """Draw a map of layers.

    Args:
        rng: Random generator.
        curved: Whether interfaces are curved.
        ordered: Whether velocity grows with depth.
        interfaces: Smallest and largest number of interfaces.
        faults: Smallest and largest number of faults.

    Returns:
        Velocity [m/s], `(Z, X)`.
    """
    row, column = np.mgrid[:SIDE, :SIDE].astype(float)
    depth = row + (_relief(rng, column) if curved else 0.0)
    tops = _interfaces(rng, int(rng.integers(*interfaces, endpoint=True)))
    velocities = _velocities(rng, len(tops) + 1, ordered=ordered)
    side = np.zeros((SIDE, SIDE), int)
    for _ in range(rng.integers(*faults, endpoint=True)):
        beyond = _beyond_fault(rng, row, column)
        depth = depth + beyond * rng.choice([-1, 1]) * rng.uniform(6, 20)
        side |= beyond
    change = rng.uniform(-0.2, 0.2) * rng.integers(0, 2)
    other = np.clip(np.rint(velocities * (1 + change)), SLOWEST, FASTEST)
    layer = np.searchsorted(tops, depth, side="right")
    return np.where(side, other[layer], velocities[layer])


def _interfaces(rng: np.random.Generator, count: int) -> Array64:
    """Depths of interfaces [nodes], evenly spaced to an eighth of their spacing, except for the first."""
    spacing = SIDE / count
    thickness = spacing * rng.uniform(0.88, 1.12, count)
    thickness[0] = spacing * rng.uniform(0.6, 1.4)
    return np.rint(np.cumsum(thickness))


def _velocities(rng: np.random.Generator, count: int, *, ordered: bool) -> Array64:
    """Velocities of the layers from the top [m/s], drawn uniformly from the bounds of the family."""
    drawn = rng.integers(SLOWEST, FASTEST + 1, count).astype(float)
    return np.sort(drawn) if ordered else drawn


def _relief(rng: np.random.Generator, column: Array64) -> Array64:
    """Uplift of the layers [nodes]: one or two sines."""
    waves = int(rng.integers(1, 3))
    amplitude = rng.uniform(3, 12) / waves
    lifted = np.zeros_like(column)
    for _ in range(waves):
        lifted += amplitude * np.sin(2 * np.pi * (column / rng.uniform(30, 90) + rng.uniform()))
    return lifted


def _beyond_fault(rng: np.random.Generator, row: Array64, column: Array64) -> Indices:
    """1 on the right of a straight fault that dips by 55 to 90 degrees to either side, else 0."""
    lean = np.tan(np.radians(rng.uniform(-35, 35)))
    return (column - rng.uniform(0.15, 0.85) * SIDE > lean * (row - SIDE / 2)).astype(int)
