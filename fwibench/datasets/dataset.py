"""The dataset contract, and the machinery that synthetic datasets share.

Invariant: sample `i` depends only on the dataset's fingerprint and `i`. So a dataset can be grown,
interrupted, and made by many workers, and is the same in the end.
"""

from __future__ import annotations

import hashlib
import json
import os
from abc import ABC, abstractmethod
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from fwibench.datasets.arrays import ShardedArray, Split
from fwibench.datasets.spec import DatasetSpec, Profile
from fwibench.datasets.splits import SPLITS, Indices
from fwibench.datasets.store import Manifest, Progress, Store
from fwibench.errors import DataError, UnknownNameError
from fwibench.problem import Problem
from fwibench.seeds import BASE_SEED


def data_root() -> Path:
    """Folder of all datasets: `FWIBENCH_DATA`, or the user's cache folder."""
    import platformdirs

    return Path(os.environ.get("FWIBENCH_DATA") or platformdirs.user_cache_path("fwibench") / "data")


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


class Dataset(ABC):
    """Named pairs of measurement and property, with a problem and splits.

    Args:
        spec: The dataset's spec.
        options: Validated options, an instance of `spec.options`.
        profile: Decides the number of samples.
    """

    shard_rows = 500

    def __init__(self, spec: DatasetSpec, options: BaseModel, profile: Profile) -> None:
        self.spec = spec
        self.options = options
        self.profile = profile

    @property
    @abstractmethod
    def problem(self) -> Problem:
        """The inverse problem; known before any data exist."""

    @property
    @abstractmethod
    def size(self) -> int:
        """Number of samples in this profile."""

    @abstractmethod
    def indices(self, scheme: str) -> dict[str, Indices]:
        """Samples of `train`, `val` and `test` under a split scheme of the spec."""

    @abstractmethod
    def samples(self, numbers: range) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """Makes `(measurement (S, T, R), property (1, Z, X))` for each sample number, in order."""

    @cached_property
    def identity(self) -> str:
        """SHA-256 of all that the samples depend on, however many there are."""
        return _digest(
            {
                "name": self.spec.name,
                "version": self.spec.version,
                "options": self.options.model_dump(mode="json"),
                "problem": self.problem.model_dump(mode="json"),
                "seed": BASE_SEED,
            }
        )

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the samples' identity and their number."""
        return _digest([self.identity, self.size])

    @cached_property
    def store(self) -> Store:
        """Where the samples rest; profiles share it, so a larger one adds to a smaller."""
        problem = self.problem
        blank = Manifest(
            dataset=self.spec.name,
            source=self.spec.source,
            version=self.spec.version,
            fingerprint=self.identity,
            seed=BASE_SEED,
            measurement_shape=problem.measurement_shape,
            property_shape=problem.property_shape,
            measurement_unit="amplitude",
            property_unit=problem.property.unit,
            shard_rows=self.shard_rows,
        )
        return Store(data_root() / f"{self.spec.name}-{self.identity[:12]}", blank)

    def prepared(self) -> bool:
        """Whether every sample of this profile is on disk."""
        return not self.store.missing(self.size)

    def missing_bytes(self) -> int:
        """Disk that the samples still to be made will take."""
        return self.store.bytes_of(self.store.missing(self.size))

    def prepare(self, progress: Progress = lambda done, total: None) -> None:
        """Makes the samples that are missing; see `Store.grow` for its errors."""
        self.store.grow(self.size, self.samples, progress)

    def split(self, scheme: str, name: str) -> Split:
        """Opens one split, memory-mapped.

        Raises:
            UnknownNameError: No such scheme or split.
            DataError: The dataset is not prepared.
        """
        if scheme not in self.spec.schemes:
            raise UnknownNameError.among(f"split scheme of {self.spec.name}", scheme, self.spec.schemes)
        if name not in SPLITS:
            raise UnknownNameError.among("split", name, SPLITS)
        if not self.prepared():
            raise DataError(
                f"{self.spec.name} ({self.profile}) is not prepared in {self.store.folder}",
                f"fwibench data prepare {self.spec.name} --profile {self.profile}",
            )
        shards = self.store.manifest().shards
        chosen = self.indices(scheme)[name]
        paths = [[self.store.folder / f for f in (s.measurements, s.properties)] for _, s in sorted(shards.items())]
        measurements, properties = zip(*paths, strict=True)
        return Split(
            name=name,
            ids=tuple(f"{self.spec.name}-{i:06d}" for i in chosen),
            measurements=ShardedArray(measurements, self.shard_rows, chosen),
            properties=ShardedArray(properties, self.shard_rows, chosen),
        )

    def verify(self) -> list[str]:
        """Finds what is wrong with the stored samples.

        Every file is hashed, and the first sample of every shard is made again: it must agree to 1e-3 of
        its largest amplitude (other processors round otherwise).

        Returns:
            One line for each fault; empty when all is well.
        """
        faults = [f"{name} is absent or was changed after it was made" for name in self.store.damaged()]
        if faults:
            return faults
        if missing := self.store.missing(self.size):
            return [f"{len(missing)} shards of profile {self.profile} are not made yet"]
        for number, shard in sorted(self.store.manifest().shards.items()):
            stored = [np.load(self.store.folder / f, mmap_mode="r")[0] for f in (shard.measurements, shard.properties)]
            made = next(iter(self.samples(range(number * self.shard_rows, number * self.shard_rows + 1))))
            for what, old, new in zip(("measurement", "property"), stored, made, strict=True):
                residual = float(np.abs(old - new).max() / np.abs(new).max())
                if not residual < 1e-3:
                    faults.append(f"{what} {number * self.shard_rows} differs from a new one by {residual:.1e}")
        return faults
