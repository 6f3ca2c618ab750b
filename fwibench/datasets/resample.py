"""Maps brought to a grid of another size.

Invariant: both maps cover the same section, so a constant stays that constant and an axis that shrinks keeps
its mean.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from fwibench.typing import Array32, Array64


def resample(section: Array32, shape: tuple[int, int]) -> Array32:
    """Brings `(..., Z, X)` to `(..., *shape)`, axis by axis.

    An axis that shrinks takes averages over the new cells, weighted by overlap; one that grows is interpolated
    between the centres of the old ones. A node stands for the cell around it.
    """
    if section.shape[-2:] == shape:
        return section
    down, across = (_weights(old, new) for old, new in zip(section.shape[-2:], shape, strict=True))
    return (down @ section.astype(np.float64) @ across.T).astype(np.float32)


@lru_cache(maxsize=8)
def _weights(old: int, new: int) -> Array64:
    """Matrix `(new, old)` whose rows sum to 1."""
    if new >= old:
        centres = (np.arange(new) + 0.5) * old / new - 0.5
        return np.stack([np.interp(centres, np.arange(old), one) for one in np.eye(old)], axis=1)
    edges = np.arange(new + 1) * old / new
    first, last = np.arange(old), np.arange(old) + 1
    overlap = np.minimum(edges[1:, None], last) - np.maximum(edges[:-1, None], first)
    return np.clip(overlap, 0, None) * (new / old)
