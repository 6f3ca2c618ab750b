"""Datasets that lie in somebody's `.npy` files and are read there.

Invariant: the files are only read. What they hold is the dataset's identity, not where they lie.
"""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import numpy as np

from fwibench.datasets.dataset import Dataset, Progress, Shards, digest
from fwibench.errors import DataError
from fwibench.files import reading, stamp
from fwibench.npy import open_npy

CHUNK_BYTES = 2**26


class FilesDataset(Dataset):
    """Pairs of `.npy` files; an author gives `problem`, `size`, `indices` and `arrays`."""

    @abstractmethod
    def arrays(self) -> Shards:
        """The files."""

    def files(self) -> tuple[Path, ...]:
        """Measurements, then properties."""
        shards = self.arrays()
        return shards.measurements + shards.properties

    @property
    def folder(self) -> Path:
        """The folder that holds all files."""
        return Path(os.path.commonpath([path.absolute().parent for path in self.files()]))

    @cached_property
    def identity(self) -> str:
        """See `Dataset.identity`."""
        self.prepare()
        problem = self.problem.model_dump(mode="json", exclude_defaults=True)
        return digest([self.spec.name, self.spec.version, problem, stamp(self.files())])

    def absent(self) -> list[str]:
        """Lines on files that are not there."""
        return [f"{path} is missing" for path in self.files() if not path.is_file()]

    def prepared(self) -> bool:
        """Whether all files are there."""
        return not self.absent()

    def prepare(self, progress: Progress = lambda done, total: None) -> None:
        """There is nothing to make.

        Raises:
            DataError: Files are missing.
        """
        if absent := self.absent():
            raise DataError(f"{self.spec.name}: {'; '.join(absent[:5])}", self.repair)

    @property
    def tolerance(self) -> float:
        """Another order of the scheme makes 0.02, a wavelet that is one sample late 0.1."""
        return 0.05

    @property
    def repair(self) -> str:
        """The files are not ours to delete."""
        return "get the files anew"

    def verify(self) -> list[str]:
        """Reads every sample: values must be finite, and properties within the bounds."""
        if absent := self.absent():
            return absent
        return list(self._faults())

    def _faults(self) -> Iterator[str]:
        bounds = self.problem.property
        slack = 1e-3 * (bounds.high - bounds.low)
        shards = self.arrays()
        for path, count in zip(self.files(), shards.counts * 2, strict=True):
            with reading(path, "samples", self.repair):
                shard = open_npy(path)
            shard = shard if count > 1 else shard[None]
            rows = max(CHUNK_BYTES * count // shard.nbytes, 1)
            for first in range(0, count, rows):
                part = shard[first : first + rows].reshape(-1, shard[0].size)
                if bad := np.flatnonzero(~np.isfinite(part).all(axis=1)).tolist():
                    yield f"{path}, sample {first + bad[0]}: values are NaN or infinite"
                elif path in shards.properties and not (
                    bounds.low - slack <= part.min() and part.max() <= bounds.high + slack
                ):
                    yield (
                        f"{path}, samples {first} to {first + len(part) - 1}: {bounds.name} {part.min():g} to "
                        f"{part.max():g}, expected {bounds.low:g} to {bounds.high:g} {bounds.unit}"
                    )
