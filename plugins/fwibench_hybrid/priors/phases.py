"""Maps of two phases: bodies of one high value, such as salt, in a background that varies.

Invariant: the phases come from the values of train maps; no dataset is named.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.ndimage import distance_transform_edt

from fwibench.problem import Property
from fwibench.typing import Array32

NARROW = 0.01
"""Largest difference from the value of a phase within it, over the range of the property."""
GAP = 0.15
"""Width of the range of values below the phase that few nodes have, over the range of the property."""
TOP = 0.01
"""Share of the nodes whose median is the value of the phase; a smaller phase is not found."""
SEPARATE = 3.0
"""Smallest number of nodes in the phase over that in the gap. Flanks spread over a cell leave about a sixth in it."""
MARGIN = 2.0
"""Distance from a body within which its flanks may have changed the background [cells]."""
LEVEL = 4.0
"""A node of the background within a body has the value of the node outside that is nearest, with depth counting so
many times as much as the distance along x: the background is layered."""
FARTHEST = 12.0
"""Distances from the flank are clipped to it [cells]: what is farther away does not shape a body."""


class Phase(NamedTuple):
    """A phase of one value.

    Attributes:
        value: Its value [property's unit].
        threshold: Lowest value of nodes that lie in a body for more than their half [property's unit].
    """

    value: float
    threshold: float


def find_phase(maps: Array32, bounds: Property) -> Phase | None:
    """Return the phase of the highest values in maps `(n, 1, Z, X)`; None if values do not cluster there.

    Args:
        maps: Train maps [property's unit].
        bounds: Range of the property.
    """
    span, values = bounds.high - bounds.low, np.sort(maps, axis=None)
    value = float(values[-max(round(TOP * values.size / 2), 1)])
    below, above = np.searchsorted(values, (value - NARROW * span, value + NARROW * span))
    gap = below - np.searchsorted(values, value - GAP * span)
    inside = above - below
    if inside < TOP * values.size / 2 or above < values.size or inside < SEPARATE * gap:
        return None
    return Phase(value, value - GAP * span)


def separate(maps: Array32, phase: Phase) -> tuple[Array32, Array32]:
    """Separate bodies of a phase from the background.

    Args:
        maps: Maps `(n, 1, Z, X)` [property's unit].
        phase: See `find_phase`.

    Returns:
        Distance from the flanks of bodies [cells], positive inside and at most `FARTHEST` in magnitude, and the
        background with bodies filled in [property's unit]; both `(n, 1, Z, X)`.
    """
    pairs = [_separate(one, phase) for one in maps[:, 0]]
    distances, backgrounds = (np.stack(parts)[:, None].astype(np.float32) for parts in zip(*pairs, strict=True))
    return distances, backgrounds


def _separate(values: Array32, phase: Phase) -> tuple[Array32, Array32]:
    bodies = values > phase.threshold
    if not bodies.any():
        return np.full_like(values, -FARTHEST), values
    around = distance_transform_edt(~bodies) <= MARGIN
    if around.all():
        return np.full_like(values, FARTHEST), np.minimum(values, phase.threshold)
    nearest = distance_transform_edt(around, sampling=(LEVEL, 1), return_distances=False, return_indices=True)
    background = values[tuple(nearest)]
    # a flank is spread over a cell, which gives distances within it
    share = np.clip((values - background) / np.maximum(phase.value - background, 1e-6 * phase.value), 0, 1)
    inside = share >= 0.5
    far = np.where(inside, distance_transform_edt(inside) - 0.5, 0.5 - distance_transform_edt(~inside))
    distance = np.where((share > 0) & (share < 1) & (np.abs(far) <= 0.5), share - 0.5, far)
    return distance.clip(-FARTHEST, FARTHEST), background
