"""Samples on disk, read when they are indexed.

Invariant: only indexed samples are in memory; shards are memory-mapped.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fwibench.files.atomic import reading
from fwibench.files.npy import open_npy, to_float32
from fwibench.typing import Array32, Indices

if TYPE_CHECKING:
    from torch import Tensor
    from torch.utils.data import Dataset

Transform = Callable[[Array32, Indices], Array32]

OPEN_SHARDS = 128
"""Most shards of an array that are mapped at once: each keeps a file open, and systems allow 256 to 1024."""
CHUNK_BYTES = 2**26
"""Bytes of samples that are read at once where many are only looked through."""


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
    """Memory-map the samples of a shard, `(count, *shape)`.

    Args:
        path: An `.npy` file, which may lack axes of length 1.
        shape: Shape of a sample.
        count: Number of samples; further samples in the file are ignored.

    Raises:
        DataError: The file is damaged, or holds other arrays.
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
    """Rows of several `.npy` shards, seen as one array along the first axis.

    Args:
        shards: Files of shape `(rows, ...)`, equal beyond the first axis.
        counts: Number of samples in each shard.
        shape: Shape of a sample; a shard may lack axes of length 1, and the first axis if it holds one sample.
        indices: Numbers of the samples of this array, in order.
        transform: Function of `(samples, their numbers)` that is applied on reading; may change samples in place.
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
        """Memory-map a shard; at most `OPEN_SHARDS` stay mapped, since each keeps its file open."""
        if number not in self._maps:
            if len(self._maps) >= OPEN_SHARDS:
                del self._maps[next(iter(self._maps))]
            self._maps[number] = open_samples(self._shards[number], self._sample, self._counts[number])
        return self._maps[number]

    def __len__(self) -> int:
        return len(self._indices)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape `(n, ...)`; no sample is read."""
        return (len(self), *self._sample)

    def __getitem__(self, key: int | slice | Indices) -> Array32:
        """Read samples into memory; an integer drops the first axis, as in numpy."""
        chosen = np.atleast_1d(self._indices[key])
        shard = np.searchsorted(self._ends, chosen, side="right")
        first = np.concatenate([[0], self._ends])[shard]
        out = np.empty((len(chosen), *self._sample), np.float32)
        for number in np.unique(shard):
            here = np.flatnonzero(shard == number)
            samples, rows = self._open(int(number)), (chosen - first)[here]
            # a sample at a time: of float32 it is copied once, an array of rows would be copied twice
            for position, row in zip(here, rows, strict=True):
                out[position] = to_float32(samples[row])
        if self._transform is not None:
            out = self._transform(out, chosen)
        return out[0] if isinstance(key, int | np.integer) else out

    def select(self, positions: Indices) -> ShardedArray:
        """Return the samples at some positions of this array; nothing is read."""
        other = copy.copy(self)
        other._indices = self._indices[positions]
        return other

    def chunks(self) -> Iterator[tuple[int, Array32]]:
        """Yield the position of a first sample and the samples from there on, up to `CHUNK_BYTES` at a time."""
        rows = max(CHUNK_BYTES // (4 * math.prod(self._sample)), 1)
        for first in range(0, len(self), rows):
            yield first, self[first : first + rows]

    def __getstate__(self) -> dict[str, object]:
        return {**vars(self), "_maps": {}}


class MemoryArray(ShardedArray):
    """Samples in memory, indexed as those in files.

    Args:
        values: Samples along the first axis.
    """

    def __init__(self, values: Array32) -> None:
        super().__init__((), (), values.shape[1:], np.arange(len(values)))
        self._values = values

    def __getitem__(self, key: int | slice | Indices) -> Array32:
        """Return copies of samples; an integer drops the first axis, as in numpy."""
        found: Array32 = self._values[self._indices[key]]
        return found


@dataclass(frozen=True)
class Split:
    """A split of a dataset.

    Attributes:
        name: `train`, `val` or `test`.
        ids: Stable ids of the samples, `(n,)`.
        measurements: Measurements `(n, S, T, R)`, raw amplitudes.
        properties: Properties `(n, 1, Z, X)`, physical units.
        groups: Group of each sample, `(n,)`, see `Dataset.groups`; empty if every sample is a group of its own.
    """

    name: str
    ids: tuple[str, ...]
    measurements: ShardedArray
    properties: ShardedArray
    groups: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.ids)

    def torch(self) -> Dataset[tuple[Tensor, Tensor]]:
        """Return the split as a PyTorch dataset of pairs `(S, T, R)`, `(1, Z, X)`, float32, in physical units."""
        from torch import from_numpy
        from torch.utils.data import Dataset

        split = self

        class View(Dataset[tuple["Tensor", "Tensor"]]):
            def __len__(self) -> int:
                return len(split)

            def __getitem__(self, index: int) -> tuple[Tensor, Tensor]:
                return from_numpy(split.measurements[index].copy()), from_numpy(split.properties[index].copy())

        return View()

    def spread(self, n: int) -> Split:
        """Return at most `n` samples, evenly spaced over the split, so that they are not all neighbours."""
        if n >= len(self):
            return self
        return self.select(evenly_spaced(len(self), n))

    def select(self, positions: Indices) -> Split:
        """Return the samples at some positions of this split; nothing is read."""
        return Split(
            self.name,
            tuple(self.ids[i] for i in positions),
            self.measurements.select(positions),
            self.properties.select(positions),
            tuple(self.groups[i] for i in positions) if self.groups else (),
        )
