"""Synthetic 3-D velocity volumes with salt, of which datasets are slices.

Invariant: a volume depends on its random generator only.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fwibench.datasets.random_fields import smooth_noise
from fwibench.typing import Array64

SALT_VELOCITY = 4480.0


class Character(NamedTuple):
    """Parameters of a volume.

    Attributes:
        top: Lowest and highest velocity of the uppermost sediments [m/s].
        contrast: Factor on the increase of velocity with depth and on the steps between layers.
        share: Approximate share of salt in the volume; None leaves bodies as drawn, about a quarter of the volume.
    """

    top: tuple[float, float] = (1550, 1750)
    contrast: float = 1.0
    share: float | None = None


LARGE = Character()
"""Salt in a quarter of the volume, more than in the SEG/EAGE model."""
REALISTIC = Character(top=(1800, 2000), contrast=0.6, share=0.056)
"""Fitted to slices of the SEG/EAGE salt model: 5 % of the area lies above 4300 m/s, with a deviation of 581 m/s."""


def layered_background(rng: np.random.Generator, shape: tuple[int, int, int], character: Character) -> Array64:
    """Draw dipping sediments of varying thickness, whose velocity increases with depth.

    Args:
        rng: Random generator.
        shape: Number of nodes `(Y, Z, X)`.
        character: Velocity at the top and contrast.

    Returns:
        Velocity [m/s], `(Y, Z, X)`, about 1500-3600 with a contrast of 1.
    """
    ny, nz, nx = shape
    y, x = np.meshgrid(np.linspace(-1, 1, ny), np.linspace(-1, 1, nx), indexing="ij")
    dip_y, dip_x = rng.uniform(-0.12, 0.12, 2)
    tilt = dip_y * y + dip_x * x
    depth = np.arange(nz)[None, :, None] / nz
    gradient = rng.uniform(900, 1300)
    velocity = np.broadcast_to(rng.uniform(*character.top) + character.contrast * gradient * depth, shape).copy()
    top = rng.uniform(0.05, 0.15)
    thickening = rng.uniform(-0.35, 0.35) * x + rng.uniform(-0.2, 0.2) * y
    while top < 1.3:
        relief = 0.03 * smooth_noise(rng, (ny, nx), (ny / 7, nx / 8))
        interface = top * (1 + thickening) + tilt + relief
        below = np.clip((depth - interface[:, None, :]) * nz + 0.5, 0, 1)
        velocity += character.contrast * rng.uniform(-200, 350) * below
        top += rng.uniform(0.08, 0.2)
    return velocity


def salt_body(
    rng: np.random.Generator, shape: tuple[int, int, int], centre_x: float, room: float
) -> tuple[Array64, float]:
    """Draw one salt body with smooth, irregular flanks.

    Args:
        rng: Random generator.
        shape: Number of nodes `(Y, Z, X)`.
        centre_x: Position along x as a fraction of the section.
        room: Share of the section that is available to the body; scales its width.

    Returns:
        Distance inside the body relative to its half width, `(Y, Z, X)`: 1 at the centre, 0 on the flanks, negative
        outside; and the half width [nodes].
    """
    ny, nz, nx = shape
    y, z, x = np.meshgrid(np.arange(ny) / ny, np.arange(nz) / nz, np.arange(nx) / nx, indexing="ij")
    crest = rng.uniform(0.22, 0.42)
    half_height = rng.uniform(0.2, 0.42)
    middle_z = crest + half_height
    drift = rng.uniform(-0.35, 0.35) * (y - 0.5)
    lean = rng.uniform(-0.25, 0.25) * (z - middle_z)
    half_width = room * rng.uniform(0.18, 0.3) * (1 + rng.uniform(-0.5, 0.8) * (z - middle_z))
    half_length = rng.uniform(0.45, 0.8)
    distance = (
        np.abs((x - centre_x - drift - lean) / half_width) ** 2.5
        + np.abs((z - middle_z) / half_height) ** 2.5
        + np.abs((y - rng.uniform(0.3, 0.7)) / half_length) ** 2.5
    ) ** 0.4
    rough = 0.15 * smooth_noise(rng, shape, (ny / 9, nz / 9, nx / 11))
    return 1 - distance + rough, half_width.mean() * nx


def salt_volume(
    rng: np.random.Generator,
    shape: tuple[int, int, int],
    bounds: tuple[float, float],
    character: Character = LARGE,
) -> Array64:
    """Draw layered sediments with one or two salt bodies, in the style of the SEG/EAGE salt model.

    Args:
        rng: Random generator.
        shape: Number of nodes `(Y, Z, X)`.
        bounds: Lowest and highest velocity [m/s], to which the volume is clipped.
        character: Parameters of sediments and salt.

    Returns:
        Velocity [m/s], `(Y, Z, X)`; each `[j]` is a section of depth by x.
    """
    velocity = layered_background(rng, shape, character)
    bodies = int(rng.integers(1, 3))
    for body in range(bodies):
        centre = (body + rng.uniform(0.3, 0.7)) / bodies
        inside, half_width = salt_body(rng, shape, centre, bodies**-0.5)
        # a higher level of the same field is a smaller body of the same character
        level = 0.0 if character.share is None else float(np.quantile(inside, 1 - character.share / bodies))
        # flanks are spread over about a cell
        salt = np.clip((inside - level) * half_width + 0.5, 0, 1)
        velocity = velocity + (SALT_VELOCITY - velocity) * salt
    return np.clip(velocity, *bounds)
