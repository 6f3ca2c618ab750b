"""Samples on disk, read when they are asked for.

Invariant: nothing here holds more than what was indexed; shards stay memory-mapped.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Transform = Callable[[NDArray[np.float32], NDArray[np.int64]], NDArray[np.float32]]


class ShardedArray:
    """Rows of several `.npy` shards, seen as one array along the first axis.

    Args:
        shards: Files of shape `(rows, ...)`, all alike beyond the first axis.
        counts: Samples of each shard.
        shape: Shape of a sample; a shard may leave out axes of length 1.
        indices: Which samples this array shows, in order.
        transform: Applied to `(samples, their numbers)` as they are read; may change them in place.
    """

    def __init__(
        self,
        shards: Sequence[Path],
        counts: Sequence[int],
        shape: tuple[int, ...],
        indices: NDArray[np.int64],
        transform: Transform | None = None,
    ) -> None:
        self._shards = tuple(shards)
        self._ends = np.cumsum(counts)
        self._sample = tuple(shape)
        self._indices = np.asarray(indices, np.int64)
        self._transform = transform

    @cached_property
    def _maps(self) -> list[NDArray[np.float32]]:
        return [np.load(path, mmap_mode="r") for path in self._shards]

    def __len__(self) -> int:
        return len(self._indices)

    @property
    def shape(self) -> tuple[int, ...]:
        """`(n, ...)`, known without reading samples."""
        return (len(self), *self._sample)

    def __getitem__(self, key: int | slice | NDArray[np.int64]) -> NDArray[np.float32]:
        """Reads samples into memory; an integer drops the first axis, as in numpy."""
        chosen = np.atleast_1d(self._indices[key])
        shard = np.searchsorted(self._ends, chosen, side="right")
        first = np.concatenate([[0], self._ends])[shard]
        out = np.empty((len(chosen), *self._sample), np.float32)
        for number in np.unique(shard):
            here = np.flatnonzero(shard == number)
            rows = self._maps[number][(chosen - first)[here]]
            out[here] = rows.reshape(len(here), *self._sample)
        if self._transform is not None:
            out = self._transform(out, chosen)
        return out[0] if isinstance(key, int | np.integer) else out

    def select(self, positions: NDArray[np.int64]) -> ShardedArray:
        """The samples at some positions of this array, still on disk."""
        other = copy.copy(self)
        other._indices = self._indices[positions]
        return other

    def __getstate__(self) -> dict[str, object]:
        return {name: value for name, value in vars(self).items() if name != "_maps"}


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

    def spread(self, n: int) -> Split:
        """At most `n` samples, spread evenly over the split, so neighbours in time or space do not crowd it."""
        if n >= len(self):
            return self
        positions = np.linspace(0, len(self) - 1, n).round().astype(np.int64)
        return Split(
            self.name,
            tuple(self.ids[i] for i in positions),
            self.measurements.select(positions),
            self.properties.select(positions),
        )
