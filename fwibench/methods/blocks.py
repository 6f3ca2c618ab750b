"""Sizes of blocks over which measurements are averaged."""

from __future__ import annotations

import math


def block_sizes(shape: tuple[int, int, int], limit: int) -> tuple[int, int]:
    """Return the number of time samples and receivers of a block, so that there are at most `limit` blocks.

    A block extends along the axis with more blocks first, and never over several sources.

    Args:
        shape: Shape `(S, T, R)` of a measurement.
        limit: Largest number of blocks; exceeded where there are more sources.
    """
    sources, nt, receivers = shape
    time, space = 1, 1
    while sources * math.ceil(nt / time) * math.ceil(receivers / space) > max(limit, sources):
        if nt / time >= receivers / space:
            time += 1
        else:
            space += 1
    return time, space
