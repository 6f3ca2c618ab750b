"""An added dataset, read where it lies.

Invariant: the samples are those that were added. Files that changed since then are an error.
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path

import numpy as np

from fwibench.datasets.added.description import LIMITS, AddedDataset, read_description
from fwibench.datasets.dataset import Shards, digest
from fwibench.datasets.files import FilesDataset
from fwibench.datasets.splits import Indices, random_split
from fwibench.errors import DataError
from fwibench.file_states import stamp
from fwibench.problem import Problem


class Added(FilesDataset):
    """Somebody's arrays, as described by `fwibench data add`."""

    @cached_property
    def description(self) -> AddedDataset:
        """What `data add` found."""
        try:
            return read_description(self.spec.name)
        except (OSError, ValueError) as error:
            raise DataError(f"{self.spec.name} has no description that can be read: {error}", self.repair) from error

    @property
    def problem(self) -> Problem:
        """As described."""
        return self.description.problem

    @property
    def size(self) -> int:
        """Samples in this profile."""
        return sum(map(len, self.indices("random").values()))

    def indices(self, scheme: str) -> dict[str, Indices]:
        """All samples shuffled; a smaller profile takes some of each split, evenly from all files."""
        described = self.description
        parts = random_split(described.size, described.n_val, described.n_test, self.spec.name)
        share = min(LIMITS.get(self.profile, described.size) / described.size, 1.0)
        return {name: part[_spread(len(part), max(round(share * len(part)), 1))] for name, part in parts.items()}

    def arrays(self) -> Shards:
        """The user's files."""
        described = self.description
        return Shards(described.measurements, described.properties, described.counts)

    @cached_property
    def identity(self) -> str:
        """See `Dataset.identity`; how samples are dealt out counts too."""
        return digest([super().identity, self.description.n_val, self.description.n_test])

    def changed(self) -> list[str]:
        """Lines on files that were changed after they were added."""
        there = [(path, was) for path, was in zip(self.files(), self.description.stamps, strict=True) if path.is_file()]
        found = stamp(path for path, _ in there)
        return [
            f"{path} was changed after it was added"
            for (path, was), now in zip(there, found, strict=True)
            if now != was and _stamp_of_ends(path) != was
        ]

    @property
    def repair(self) -> str:
        """What to do about files that changed."""
        return f"restore the files, or fwibench data remove {self.spec.name} and add it again"


def _stamp_of_ends(path: Path) -> tuple[str, int, str]:
    """What descriptions of earlier versions hold: the SHA-256 of 64 KiB at each end of a file."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        ends = stream.read(2**16)
        stream.seek(max(size - 2**16, 0))
        ends += stream.read(2**16)
    return path.name, size, hashlib.sha256(ends).hexdigest()


def _spread(n: int, k: int) -> Indices:
    """`k` of `n` places, evenly spaced."""
    return np.arange(k) * n // k
