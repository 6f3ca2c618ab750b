"""Samples of the predictions of a run: `samples.npy`.

The file holds the differences of the samples from the prediction, over the range of the property, as float16
`(n, m, 1, Z, X)`, in the order of `predictions.npz`. A difference is thus rounded by 1/2048 of its size at most, and
the file has two bytes for each node of each sample.

Invariant: scores are computed from stored samples, so they can be computed again.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from fwibench.errors import DivergedError
from fwibench.files.atomic import atomic_write, reading
from fwibench.files.npy import open_npy
from fwibench.problem import Property
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.samples import find_not_finite
from fwibench.typing import Array32, Maps

Differences = NDArray[np.float16]


@dataclass(frozen=True)
class StoredSamples:
    """Samples of predictions, read when they are indexed.

    Attributes:
        maps: Predictions `(n, 1, Z, X)` in physical units.
        differences: Samples less prediction, over the range of the property, `(n, m, 1, Z, X)`.
        span: Range of the property.
    """

    maps: Maps
    differences: Differences
    span: float

    @property
    def count(self) -> int:
        """Number m of samples of each prediction."""
        return self.differences.shape[1]

    def __getitem__(self, rows: Any) -> Array32:
        """Return the samples `(m, k, 1, Z, X)` of some predictions, in physical units."""
        differences = np.moveaxis(self.differences[rows], 1, 0).astype(np.float32)
        return self.maps[rows] + self.span * differences

    def deviation(self, rows: Any) -> Maps:
        """Return the standard deviation `(k, 1, Z, X)` of the samples of some predictions, in physical units."""
        return self.span * self.differences[rows].astype(np.float32).std(axis=1)


def pack_samples(parts: Iterable[Array32], maps: Maps, bounds: Property) -> Iterator[Differences]:
    """Yield the differences of samples from the predictions, chunk by chunk.

    Args:
        parts: Samples `(m, k, 1, Z, X)` of consecutive predictions.
        maps: All predictions `(n, 1, Z, X)`.
        bounds: Property of the dataset that they are scored on.

    Raises:
        DivergedError: A sample is too far from the prediction: by more than 65504 times the range of the property.
    """
    start, span = 0, bounds.high - bounds.low
    for samples in parts:
        rows = slice(start, start := start + samples.shape[1])
        with np.errstate(over="ignore"):
            packed = np.moveaxis((samples - maps[rows]) / span, 0, 1).astype(np.float16)
        if bad := len(find_not_finite(packed)):
            raise DivergedError(f"samples of {bad} predictions differ from the prediction by more than can be stored")
        yield packed


def hold_samples(parts: Iterable[Array32], maps: Maps, bounds: Property) -> StoredSamples | None:
    """Return samples in memory, rounded as in a file; None if there are none.

    Args:
        parts: See `pack_samples`.
        maps: See `pack_samples`.
        bounds: See `pack_samples`.
    """
    packed = list(pack_samples(parts, maps, bounds))
    return StoredSamples(maps, np.concatenate(packed), bounds.high - bounds.low) if packed else None


def write_samples(packed: Iterable[Differences], n: int, folder: Path) -> None:
    """Write the samples of a run into its folder, atomically; nothing if there are none.

    Args:
        packed: Results of `pack_samples`, of all predictions.
        n: Number of predictions.
        folder: Folder of the run.
    """
    parts = iter(packed)
    first = next(parts, None)
    if first is None:
        return
    header = {"descr": npy_format.dtype_to_descr(first.dtype), "fortran_order": False, "shape": (n, *first.shape[1:])}
    with atomic_write(RunFiles(folder).samples) as stream:
        npy_format.write_array_header_1_0(stream, header)
        for part in itertools.chain([first], parts):
            stream.write(part.tobytes())


def read_samples(folder: Path, maps: Maps, bounds: Property) -> StoredSamples | None:
    """Read the samples of a run; None if its method drew none.

    Args:
        folder: Folder of the run.
        maps: Its predictions `(n, 1, Z, X)`.
        bounds: Property of the dataset that it is scored on.

    Raises:
        DataError: The file is damaged, or is not of these predictions.
    """
    path = RunFiles(folder).samples
    if not path.exists():
        return None
    with reading(path, "samples of predictions", "run the cell again with --force"):
        found = open_npy(path)
        shape = (*found.shape[:1], *found.shape[2:])
        if found.dtype != np.float16 or found.ndim != 5 or shape != maps.shape or found.shape[1] < 2:
            raise ValueError(f"it holds {found.dtype} of shape {found.shape}, the predictions are {maps.shape}")
    return StoredSamples(maps, found, bounds.high - bounds.low)
