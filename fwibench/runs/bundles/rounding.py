"""Maps rounded to 16 bits.

All maps of an entry are rounded to 65536 equally spaced values from the smallest to the largest of them, so a node is
rounded by half of a step at most: 0.023 m/s where they reach from 1500 to 4500 m/s. float16 takes as many bytes, but
has 11 significant bits: maps are rounded by up to 0.37 m/s, and scores change in the third digit (docs/decisions/0058).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fwibench.typing import Array64, Maps

Codes = NDArray[np.uint16]
STEPS = 2**16 - 1
"""Number of steps between the smallest and the largest value."""
ROUNDING = (
    "A map is offset + scale * code, with a code of predictions.npy from 0 to 65535 at each node: it is rounded by "
    "half of the scale at most. All scores are those of the rounded maps."
)
"""What a manifest states about the rounding."""


def encode(maps: Maps) -> tuple[Codes, float, float]:
    """Return maps as they are stored in a bundle: codes, offset and scale.

    Args:
        maps: Finite maps `(n, 1, Z, X)` in physical units.
    """
    low, high = float(maps.min()), float(maps.max())
    scale = (high - low) / STEPS or 1.0
    codes = np.rint((maps.astype(np.float64) - low) / scale).astype(np.uint16)
    return codes, low, scale


def decode(codes: Codes, offset: float, scale: float) -> Maps:
    """Return the rounded maps `(n, 1, Z, X)` in physical units; values beyond the range of float32 become infinite.

    Args:
        codes: Codes of the nodes.
        offset: Value of code 0.
        scale: Difference of neighbouring codes.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        return (offset + scale * codes.astype(np.float64)).astype(np.float32)


def largest_rounding(maps: Maps, scale: float) -> Array64:
    """Return how far the maps from which rounded ones were made may be from them, node by node.

    Args:
        maps: Rounded maps.
        scale: Difference of neighbouring codes.
    """
    # the rounded value is stored as float32
    return scale / 2 + np.abs(np.spacing(maps)).astype(np.float64)
