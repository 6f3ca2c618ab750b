"""Folded, faulted and eroded sediments in the style of the Marmousi model.

Invariant: a section depends on its random generator only.

Deformation is inverted: every node is mapped back through faults, folds and erosion to its stratigraphic level at
deposition, and gets the velocity of a column of layers there.
"""

from __future__ import annotations

import numpy as np

from fwibench.datasets.random_fields import smooth_noise
from fwibench.typing import Array64

FINE = 2
"""Sub-nodes of a node along each axis, so that layers thinner than a node are averaged, not skipped."""
BASIN = 2700.0
"""Range of depths of the top of a window in the basin [m]."""
STEP = 2.5
"""Sampling of a column of layers [m]."""
REACH = 1500.0
"""Length of a column above and below its window [m]; deformation moves these levels into the window."""


def folded_section(
    rng: np.random.Generator, shape: tuple[int, int], spacing: float, bounds: tuple[float, float]
) -> Array64:
    """Draw a window of a deformed sedimentary basin, at low resolution.

    Args:
        rng: Random generator.
        shape: Number of nodes `(Z, X)`.
        spacing: Grid spacing [m].
        bounds: Lowest and highest velocity [m/s], to which the section is clipped.

    Returns:
        P velocity [m/s], `(Z, X)`.
    """
    from scipy.ndimage import gaussian_filter

    nz, nx = (FINE * n for n in shape)
    step = spacing / FINE
    z, x = np.meshgrid(np.arange(nz) * step, np.arange(nx) * step, indexing="ij")
    width, height = nx * step, nz * step
    burial = BASIN * rng.uniform()
    level = z
    side = rng.choice((-1.0, 1.0))
    for _ in range(rng.choice(4, p=(0.4, 0.25, 0.2, 0.15))):
        level = before_fault(rng, level, z, x, width, side)
    level = before_folding(rng, level, x, width)
    if rng.uniform() < 0.35:
        level = before_erosion(rng, level, x, width, height)
    column = layer_column(rng, burial, height + 2 * REACH)
    index = np.rint((level + REACH) / STEP).astype(int).clip(0, len(column) - 1)
    velocity = column[index] + rng.uniform(0.1, 0.35) * (z - height / 2)
    smoothed = gaussian_filter(np.clip(velocity, *bounds), rng.uniform(0.7, 1.2) * FINE, mode="nearest")
    return smoothed.reshape(shape[0], FINE, shape[1], FINE).mean((1, 3))


def before_fault(
    rng: np.random.Generator, level: Array64, z: Array64, x: Array64, width: float, side: float
) -> Array64:
    """Map levels back before a normal growth fault.

    Its surface is listric: steep above, flatter below. The hanging wall has moved down, older levels more than younger
    ones, and rolls over towards the fault.

    Args:
        rng: Random generator.
        level: Stratigraphic levels after the fault [m], `(Z, X)`.
        z: Depth of the nodes [m], `(Z, X)`.
        x: Distance of the nodes [m], `(Z, X)`.
        width: Width of the section [m].
        side: 1 if the fault dips to larger x, -1 if to smaller; faults of a section dip alike.

    Returns:
        Levels before the fault [m], `(Z, X)`.
    """
    steepness = np.tan(np.radians(rng.uniform(52, 72)))
    flattening = rng.uniform(0, 0.5) / width
    start = rng.uniform(-0.35, 1.0) if side > 0 else rng.uniform(0, 1.35)
    surface = start * width + side * (z / steepness + flattening * z**2)
    beyond = side * (x - surface)
    throw = rng.uniform(5, 40) + rng.uniform(0.03, 0.15) * z
    rollover = np.exp(-np.maximum(beyond, 0) / rng.uniform(250, 1500))
    return level - np.where(beyond > 0, throw * rollover, 0.0)


def before_folding(rng: np.random.Generator, level: Array64, x: Array64, width: float) -> Array64:
    """Map levels back before tilt, folds of two wavelengths that grow downwards, and thinning of layers to one side.

    Args:
        rng: Random generator.
        level: Stratigraphic levels after folding [m], `(Z, X)`.
        x: Distance of the nodes [m], `(Z, X)`.
        width: Width of the section [m].

    Returns:
        Levels before folding [m], `(Z, X)`.
    """
    middle = x - width / 2
    steep = rng.uniform() < 0.25
    tilt = rng.uniform(-0.7, 0.7) if steep else rng.normal(0, 0.06)
    nodes = x.shape[1]
    long, short = (smooth_noise(rng, (nodes,), (nodes * share,)) for share in (0.35, 0.15))
    growth = 0.6 + 0.8 * (level - level.min()) / np.ptp(level)
    folds = (rng.exponential(13) * (long - long.mean()) + rng.exponential(1.5) * short) * growth
    thinning = rng.uniform(-0.3, 0.3) * middle / width
    return (level + folds + tilt * middle) * (1 + thinning)


def before_erosion(rng: np.random.Generator, level: Array64, x: Array64, width: float, height: float) -> Array64:
    """Map levels back before an angular unconformity.

    The layers below were tilted and bent before their top was eroded, so they end at the surface of erosion one after
    the other.

    Args:
        rng: Random generator.
        level: Stratigraphic levels after erosion [m], `(Z, X)`.
        x: Distance of the nodes [m], `(Z, X)`.
        width: Width of the section [m].
        height: Height of the section [m].

    Returns:
        Levels before erosion [m], `(Z, X)`.
    """
    nodes = x.shape[1]
    relief = rng.uniform(1, 6) * smooth_noise(rng, (nodes,), (nodes / 5,))
    surface = rng.uniform(0.1, 0.7) * height + relief
    bent = rng.uniform(5, 30) * smooth_noise(rng, (nodes,), (nodes * 0.3,))
    older = level + rng.uniform(50, 400) + rng.normal(0, 0.35) * (x - width / 2) + bent
    return np.where(level > surface, older, level)


def layer_column(rng: np.random.Generator, burial: float, thickness: float) -> Array64:
    """Draw velocities of a column of layers, which increase with depth.

    The column consists of packages: single thick layers, thin alternations, and evaporites or hard carbonates, which
    become more frequent with depth.

    Args:
        rng: Random generator.
        burial: Depth of the top of the window in the basin [m].
        thickness: Thickness of the column [m], from `REACH` above the top of the window.

    Returns:
        Velocity [m/s] every `STEP` metres.
    """
    start, gradient = rng.uniform(1550, 1750), rng.uniform(0.6, 0.85)
    pieces: list[Array64] = []
    depth = burial - REACH
    while depth < burial - REACH + thickness:
        trend = start + gradient * max(depth, 0.0)
        buried = np.clip(depth / BASIN, 0.04, 1)
        kind = rng.choice(("layer", "alternation", "hard"), p=(0.5, 0.5 - 0.25 * buried, 0.25 * buried))
        extent = rng.lognormal(np.log(90), 0.6)
        if kind == "hard":
            bed, values = extent, np.array([rng.uniform(3900, 4620)])
        elif kind == "layer":
            bed, values = extent, trend * rng.normal(1, 0.1, 1)
        else:
            bed = rng.uniform(12, 35)
            swing = np.resize((1.0, -1.0), max(int(extent / bed), 2))
            values = trend * (rng.normal(1, 0.07) + rng.uniform(0.01, 0.09) * swing * rng.uniform(0.3, 1, len(swing)))
        pieces.extend(np.full(max(int(bed * rng.lognormal(0, 0.2) / STEP), 1), value) for value in values)
        depth += sum(map(len, pieces[-len(values) :])) * STEP
    return np.concatenate(pieces)
