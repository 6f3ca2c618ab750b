"""Samples that lie in somebody's own `.npy` files, read where they are.

Invariant: files are opened read-only and memory-mapped. Nothing is copied, changed or written beside them,
and whatever is wrong with a file's header is said before any sample is read.
"""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import permutations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.format import open_memmap
from numpy.typing import NDArray

from fwibench.datasets.dataset import Dataset, Progress, Shards, digest
from fwibench.errors import DataError
from fwibench.files import stamp
from fwibench.problem import Problem

BLOCK = 25
"""Samples that `verify` holds at a time."""
SLACK = 1e-3
"""Share of the bounds' distance by which a property may leave them: files are rounded."""


class Pair(NamedTuple):
    """Two files with the same samples, in the same order."""

    measurements: Path
    properties: Path


def open_array(path: Path) -> NDArray[Any]:
    """Memory-maps an `.npy` file of floating point numbers.

    Raises:
        DataError: The file is absent, cut off, no `.npy` file, or holds something else.
    """
    if not path.is_file():
        raise DataError(f"{path} does not exist", "check the path; every measurement file needs its property file")
    try:
        array: NDArray[Any] = open_memmap(path, mode="r")
    except (ValueError, EOFError, OSError) as error:
        raise DataError(
            f"{path} is not a whole .npy file: {error}",
            "download or write it again; compare its size with the original",
        ) from error
    if array.dtype.kind != "f":
        raise DataError(
            f"{path} holds {array.dtype}, expected floating point numbers",
            "convert it once: numpy.save(path, array.astype('float32'))",
        )
    return array


def read_headers(pairs: Sequence[Pair], problem: Problem) -> Shards:
    """Checks the header of every file against the problem; reads no sample.

    Args:
        pairs: Files of `(n, S, T, R)` with files of `(n, 1, Z, X)`; an axis of length 1 may be left out.
        problem: Gives the shapes.

    Raises:
        DataError: A file cannot be opened, has another shape, or a pair differs in its number of samples.
    """
    counts = []
    for pair in pairs:
        n, other = (
            _count(path, open_array(path).shape, shape)
            for path, shape in zip(pair, (problem.measurement_shape, problem.property_shape), strict=True)
        )
        if n != other:
            raise DataError(
                f"{pair.measurements} has {n} samples, {pair.properties} has {other}; expected the same number",
                "the two files do not belong together, or one was cut",
            )
        counts.append(n)
    return Shards(tuple(p.measurements for p in pairs), tuple(p.properties for p in pairs), tuple(counts))


def _count(path: Path, shape: tuple[int, ...], sample: tuple[int, ...]) -> int:
    """Samples of a file, whose shape must be that of the samples."""
    accepted = [sample, sample[1:]] if sample[0] == 1 else [sample]
    if shape[1:] not in accepted:
        wanted = " or ".join(f"({', '.join(('n', *map(str, one)))})" for one in accepted)
        raise DataError(f"{path} has shape {shape}, expected {wanted}", _advice(shape, sample))
    if shape[0] == 0:
        raise DataError(f"{path} has no samples")
    return shape[0]


def _advice(shape: tuple[int, ...], sample: tuple[int, ...]) -> str:
    if shape == sample:
        return "a single sample needs a leading axis of length 1: array[None]"
    for order in permutations(range(1, len(sample) + 1)):
        if len(shape) == len(sample) + 1 and tuple(shape[axis] for axis in order) == sample:
            return f"the axes are in another order: save array.transpose({(0, *order)})"
    return "the first axis counts samples; is this the right file, or another survey?"


class FilesDataset(Dataset):
    """A dataset in place; an author gives `pairs`, `problem`, `size` and `indices`."""

    @abstractmethod
    def pairs(self) -> Sequence[Pair]:
        """The files, in the order that numbers the samples."""

    @cached_property
    def _shards(self) -> Shards:
        return read_headers(self.pairs(), self.problem)

    def arrays(self) -> Shards:
        """The files as they are; see `read_headers` for its errors."""
        return self._shards

    @cached_property
    def identity(self) -> str:
        """See `Dataset.identity`: what the files hold counts, not where they lie."""
        shards = self.arrays()
        return digest(
            {
                "name": self.spec.name,
                "version": self.spec.version,
                "problem": self.problem.model_dump(mode="json"),
                "files": stamp((*shards.measurements, *shards.properties)),
            }
        )

    @property
    def folder(self) -> Path:
        """The folder that holds all files."""
        shards = self.arrays()
        return Path(os.path.commonpath([path.absolute().parent for path in shards.measurements + shards.properties]))

    def prepared(self) -> bool:
        """True once the headers are in order; there is nothing to make."""
        return bool(self.arrays().counts)

    def prepare(self, progress: Progress = lambda done, total: None) -> None:
        """Checks the headers."""
        self.arrays()
        progress(self.size, self.size)

    @property
    def repair(self) -> str:
        """The files are the user's: nothing of ours to delete."""
        return "compare the files with their originals"

    def verify(self) -> list[str]:
        """Reads every file: values must be finite, properties within the problem's bounds."""
        shards, sought = self.arrays(), self.problem.property
        low, high = sought.low - SLACK * (sought.high - sought.low), sought.high + SLACK * (sought.high - sought.low)
        faults = []
        for path in shards.measurements:
            faults += _first(f"{path}: sample {i} is not finite" for i in _samples(path, _not_finite))
        for path in shards.properties:
            faults += _first(f"{path}: sample {i} is not finite" for i in _samples(path, _not_finite))
            beyond = _samples(path, lambda block: (block < low) | (block > high))
            bounds = f"{sought.low:g} to {sought.high:g} {sought.unit}"
            faults += _first(f"{path}: {sought.name} of sample {i} lies outside {bounds}" for i in beyond)
        return faults


def _not_finite(block: NDArray[Any]) -> NDArray[np.bool_]:
    return ~np.isfinite(block)


def _samples(path: Path, wrong: Any) -> Iterator[int]:
    """Numbers of the samples of a file with a value that is `wrong`."""
    array = open_array(path)
    for start in range(0, len(array), BLOCK):
        block = np.asarray(array[start : start + BLOCK])
        yield from (start + np.flatnonzero(wrong(block).reshape(len(block), -1).any(axis=1))).tolist()


def _first(faults: Iterator[str]) -> list[str]:
    """The first fault of a file, and how many more samples have it."""
    found = list(faults)
    more = f" and {len(found) - 1} more samples" if len(found) > 1 else ""
    return [found[0] + more] if found else []
