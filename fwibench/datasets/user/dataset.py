"""An added dataset, read from the files of the user.

Invariant: the samples are those that were added; a file that was changed since then is an error.
"""

from __future__ import annotations

import hashlib
from functools import cached_property
from pathlib import Path

import numpy as np

from fwibench.datasets.agreement import Agreement, compare_samples
from fwibench.datasets.base import Shards, digest
from fwibench.datasets.files import FilesDataset
from fwibench.datasets.user.description import LIMITS, Description, read_description
from fwibench.datasets.user.duplicates import describe_duplicates, find_duplicates
from fwibench.datasets.user.physics_fit import COMPARED, WORST, compared_samples
from fwibench.datasets.user.splits import split_samples
from fwibench.errors import DataError
from fwibench.files.states import stamp
from fwibench.problem import Problem
from fwibench.typing import Indices


class AddedDataset(FilesDataset):
    """A dataset of a user's arrays, as described by `fwibench data add`."""

    @cached_property
    def description(self) -> Description:
        """Description that `data add` wrote."""
        try:
            return read_description(self.spec.name)
        except (OSError, ValueError) as error:
            raise DataError(f"{self.spec.name} has no description that can be read: {error}", self.repair) from error

    @property
    def problem(self) -> Problem:
        """Problem of the description."""
        return self.description.problem

    @property
    def size(self) -> int:
        """Number of samples in this profile."""
        return sum(map(len, self.indices("random").values()))

    def indices(self, scheme: str) -> dict[str, Indices]:
        """Return the sample numbers of each split; a smaller profile takes some of each, evenly spaced."""
        described = self.description
        parts = split_samples(described)
        share = min(LIMITS.get(self.profile, described.size) / described.size, 1.0)
        return {name: part[_spread(len(part), round(share * len(part)))] for name, part in parts.items()}

    def groups(self, scheme: str, numbers: Indices) -> tuple[str, ...]:
        """Return the groups that the user named; without them every sample is a group of its own."""
        named = self.description.groups
        return tuple(named[number] for number in numbers) if named else ()

    def arrays(self) -> Shards:
        """Return the files of the user."""
        described = self.description
        return Shards(described.measurements, described.properties, described.counts)

    @cached_property
    def identity(self) -> str:
        """See `Dataset.identity`; the split is part of it."""
        described = self.description
        rule = described.model_dump(mode="json", include={"split", "split_seed", "test_numbers"}, exclude_defaults=True)
        return digest([super().identity, described.n_val, described.n_test, *([rule] if rule else [])])

    def changed(self) -> list[str]:
        """Return a line for each file that was changed after it was added."""
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
        numbers = compared_samples(problem, self.description.size)[:count]
        return compare_samples(problem, *self._open(numbers), numbers)

    def warnings(self) -> list[str]:
        """Return notes on maps that are in the dataset more than once."""
        measurements, properties = self._open(np.arange(self.description.size))
        return describe_duplicates(find_duplicates(properties), split_samples(self.description), measurements)

    @property
    def tolerance(self) -> float:
        """Largest residual of a sample at which `data add` keeps the physics."""
        return WORST

    @property
    def repair_physics(self) -> str:
        """Advice on simulations that differ from the records."""
        return (
            f"fwibench data remove {self.spec.name} and add it again, which estimates the physics from several samples"
        )

    @property
    def repair(self) -> str:
        """Advice on files that were changed."""
        return f"restore the files, or fwibench data remove {self.spec.name} and add it again"


def _stamp_of_ends(path: Path) -> tuple[str, int, str]:
    """Stamp of early versions: the SHA-256 of 64 KiB at each end of a file."""
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
