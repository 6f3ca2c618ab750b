"""Samples on disk, read lazily.

Invariant: only indexed samples are held in memory; shards stay memory-mapped.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwibench.files.atomic import reading
from fwibench.files.npy import open_npy, to_float32
from fwibench.typing import Array32, Indices

Transform = Callable[[Array32, Indices], Array32]

OPEN_SHARDS = 128
"""Largest number of shards of an array that are mapped at once. Each keeps a file open; systems allow 256 to 1024."""
CHUNK_BYTES = 2**26
"""Size of the chunks in which samples are read sequentially [bytes]."""


def evenly_spaced(count: int, most: int) -> Indices:
    """Return positions in a sequence, evenly spaced, the first and the last among them.

    Args:
        count: Length of the sequence.
        most: Number of positions wanted; a shorter sequence gives all of its positions.
    """
    return np.linspace(0, count - 1, min(most, count)).round().astype(np.int64)


def find_not_finite(samples: NDArray[Any]) -> Indices:
    """Return the positions along the first axis of samples that hold NaN or infinity."""
    return np.flatnonzero(~np.isfinite(samples).reshape(len(samples), -1).all(axis=1))


def open_samples(path: Path, shape: tuple[int, ...], count: int) -> Array32:
    """Memory-map the samples of a shard.

    Args:
        path: An `.npy` file; axes of length 1 may be missing.
        shape: Shape of a sample.
        count: Number of samples to map; the file may hold more.

    Returns:
        The samples, `(count, *shape)`.

    Raises:
        DataError: The file is damaged, holds no numbers, or holds fewer samples.
    """
    with reading(path, "samples", "fwibench data verify checks all files of a dataset"):
        array = open_npy(path)
        if array.dtype.kind not in "fiu":
            raise ValueError(f"it holds {array.dtype}, expected numbers")
        samples = array.reshape(-1, *shape)
        if len(samples) < count:
            raise ValueError(f"it holds {len(samples)} samples, expected {count}")
    return samples[:count]


class ShardedArray:
    """Samples of several `.npy` shards, concatenated along the first axis.

    Args:
        shards: Files of shape `(rows, ...)`, equal beyond the first axis.
        counts: Number of samples of each shard.
        shape: Shape of a sample. A shard may lack axes of length 1, including the first axis if it holds one sample.
        indices: Numbers of the samples that this array shows, in order.
        transform: Function of `(samples, their numbers)` that is applied after reading; it may work in place.
    """

    def __init__(
        self,
        shards: Sequence[Path],
        counts: Sequence[int],
        shape: tuple[int, ...],
        indices: Indices,
        transform: Transform | None = None,
    ) -> None:
        self._shards = tuple(shards)
        self._counts = tuple(counts)
        self._ends = np.cumsum(counts)
        self._sample = tuple(shape)
        self._indices = np.asarray(indices, np.int64)
        self._transform = transform
        self._maps: dict[int, Array32] = {}

    def _open(self, number: int) -> Array32:
        """Return a memory-mapped shard; the oldest one is closed if too many are open."""
        if number not in self._maps:
            if len(self._maps) >= OPEN_SHARDS:
                del self._maps[next(iter(self._maps))]
            self._maps[number] = open_samples(self._shards[number], self._sample, self._counts[number])
        return self._maps[number]

    def __len__(self) -> int:
        return len(self._indices)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape `(n, ...)`, known without reading samples."""
        return (len(self), *self._sample)

    def __getitem__(self, key: int | slice | Indices) -> Array32:
        """Read samples into memory; an integer drops the first axis, as in numpy."""
        chosen = np.atleast_1d(self._indices[key])
        shard = np.searchsorted(self._ends, chosen, side="right")
        first = np.concatenate([[0], self._ends])[shard]
        out = np.empty((len(chosen), *self._sample), np.float32)
        for number in np.unique(shard):
            here = np.flatnonzero(shard == number)
            out[here] = to_float32(self._open(int(number))[(chosen - first)[here]])
        if self._transform is not None:
            out = self._transform(out, chosen)
        return out[0] if isinstance(key, int | np.integer) else out

    def select(self, positions: Indices) -> ShardedArray:
        """Return an array of the samples at some positions of this one, without reading them."""
        other = copy.copy(self)
        other._indices = self._indices[positions]
        return other

    def chunks(self) -> Iterator[tuple[int, Array32]]:
        """Yield chunks of up to `CHUNK_BYTES`: the position of the first sample, and the samples."""
        rows = max(CHUNK_BYTES // (4 * math.prod(self._sample)), 1)
        for first in range(0, len(self), rows):
            yield first, self[first : first + rows]

    def __getstate__(self) -> dict[str, object]:
        return {**vars(self), "_maps": {}}


@dataclass(frozen=True)
class Split:
    """The train, validation or test samples of a dataset.

    Attributes:
        name: `train`, `val` or `test`.
        ids: Stable sample ids, `(n,)`.
        measurements: Raw amplitudes, `(n, S, T, R)`.
        properties: Property maps in physical units, `(n, 1, Z, X)`.
    """

    name: str
    ids: tuple[str, ...]
    measurements: ShardedArray
    properties: ShardedArray

    def __len__(self) -> int:
        return len(self.ids)

    def spread(self, n: int) -> Split:
        """Return at most `n` samples that are evenly spaced over the split.

        Neighbouring samples may be similar, so the first `n` would not be representative.
        """
        if n >= len(self):
            return self
        positions = evenly_spaced(len(self), n)
        return Split(
            self.name,
            tuple(self.ids[i] for i in positions),
            self.measurements.select(positions),
            self.properties.select(positions),
        )
