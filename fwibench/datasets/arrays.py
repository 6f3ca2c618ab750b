"""Samples on disk, read when they are asked for.

Invariant: nothing here holds more than what was indexed; shards stay memory-mapped.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


class ShardedArray:
    """Rows of several `.npy` shards, seen as one array along the first axis.

    Args:
        shards: Files of shape `(rows, ...)`, all alike beyond the first axis.
        rows: Samples a shard holds; the last may hold fewer.
        indices: Which samples this array shows, in order.
    """

    def __init__(self, shards: tuple[Path, ...], rows: int, indices: NDArray[np.int64]) -> None:
        self._shards = shards
        self._rows = rows
        self._indices = np.asarray(indices, np.int64)

    @cached_property
    def _maps(self) -> list[NDArray[np.float32]]:
        return [np.load(path, mmap_mode="r") for path in self._shards]

    def __len__(self) -> int:
        return len(self._indices)

    @property
    def shape(self) -> tuple[int, ...]:
        """`(n, ...)`, known without reading samples."""
        return (len(self), *self._maps[0].shape[1:])

    def __getitem__(self, key: int | slice | NDArray[np.int64]) -> NDArray[np.float32]:
        """Reads samples into memory; an integer drops the first axis, as in numpy."""
        chosen = np.atleast_1d(self._indices[key])
        shard, row = np.divmod(chosen, self._rows)
        out = np.empty((len(chosen), *self.shape[1:]), np.float32)
        for number in np.unique(shard):
            here = np.flatnonzero(shard == number)
            out[here] = self._maps[number][row[here]]
        return out[0] if isinstance(key, int | np.integer) else out

    def __getstate__(self) -> dict[str, object]:
        return {"_shards": self._shards, "_rows": self._rows, "_indices": self._indices}


@dataclass(frozen=True)
class Split:
    """One part of a dataset.

    Attributes:
        name: `train`, `val` or `test`.
        ids: Stable sample ids, `(n,)`.
        measurements: `(n, S, T, R)`, raw amplitudes.
        properties: `(n, 1, Z, X)`, physical units.
    """

    name: str
    ids: tuple[str, ...]
    measurements: ShardedArray
    properties: ShardedArray

    def __len__(self) -> int:
        return len(self.ids)
