"""An added dataset, read where it lies.

Invariant: the samples are those that were added. Files that changed since then are an error.
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path

import numpy as np

from fwibench.datasets.agreement import Agreement
from fwibench.datasets.base import Shards, digest
from fwibench.datasets.files import FilesDataset
from fwibench.datasets.user.description import LIMITS, AddedDataset, read_description
from fwibench.datasets.user.duplicates import describe_duplicates, find_duplicates
from fwibench.datasets.user.physics_fit import WORST
from fwibench.datasets.user.physics_search import COMPARED, compare_samples, compared_numbers
from fwibench.datasets.user.splits import deal
from fwibench.errors import DataError
from fwibench.files.states import stamp
from fwibench.problem import Problem
from fwibench.typing import Indices


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
        parts = deal(described)
        share = min(LIMITS.get(self.profile, described.size) / described.size, 1.0)
        return {name: part[_spread(len(part), round(share * len(part)))] for name, part in parts.items()}

    def arrays(self) -> Shards:
        """The user's files."""
        described = self.description
        return Shards(described.measurements, described.properties, described.counts)

    @cached_property
    def identity(self) -> str:
        """See `Dataset.identity`; how samples are dealt out counts too."""
        described = self.description
        rule = described.model_dump(mode="json", include={"split", "split_seed", "test_numbers"}, exclude_defaults=True)
        return digest([super().identity, described.n_val, described.n_test, *([rule] if rule else [])])

    def changed(self) -> list[str]:
        """Lines on files that were changed after they were added."""
        there = [(path, was) for path, was in zip(self.files(), self.description.stamps, strict=True) if path.is_file()]
        found = stamp(path for path, _ in there)
        return [
            f"{path} was changed after it was added"
            for (path, was), now in zip(there, found, strict=True)
            if now != was and _stamp_of_ends(path) != was
        ]

    def check_physics(self, count: int = COMPARED) -> list[Agreement]:
        """See `Dataset.check_physics`; the samples are those that `data add` compared."""
        problem = self.problem
        if problem.physics is None:
            return []
        numbers = compared_numbers(problem, self.description.size)[:count]
        return compare_samples(problem, *self._open(numbers), numbers)

    def warnings(self) -> list[str]:
        """Maps that are in the dataset more than once."""
        measurements, properties = self._open(np.arange(self.description.size))
        return describe_duplicates(find_duplicates(properties), deal(self.description), measurements)

    @property
    def tolerance(self) -> float:
        """The residual of a single sample up to which `data add` keeps the physics."""
        return WORST

    @property
    def repair_physics(self) -> str:
        """What to do about simulations that differ."""
        return (
            f"fwibench data remove {self.spec.name} and add it again, which estimates the physics from several samples"
        )

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
    """Return `k` of `n` positions, evenly spaced, at least one where there is one.

    Not `evenly_spaced`: results of smaller profiles were published with these samples.
    """
    k = min(max(k, 1), n)
    return np.arange(k) * n // max(k, 1)
