"""Datasets whose samples are made one by one and kept in a store.

Invariant: sample `i` depends only on the dataset's identity and `i`. So a dataset can be grown,
interrupted, and made by many workers, and is the same in the end.
"""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import numpy as np

from fwibench.datasets.dataset import Dataset, Progress, Shards, digest
from fwibench.datasets.options import ON_READING
from fwibench.datasets.store import Manifest, Sample, Store
from fwibench.files import stamp
from fwibench.seeds import BASE_SEED

UNITS = {"seismic": "amplitude", "em": "V/m"}


def data_root() -> Path:
    """Folder of all datasets: `FWIBENCH_DATA`, or the user's cache folder."""
    import platformdirs

    return Path(os.environ.get("FWIBENCH_DATA") or platformdirs.user_cache_path("fwibench") / "data")


class StoredDataset(Dataset):
    """A dataset that makes its samples; an author gives `samples`."""

    shard_rows = 100

    @abstractmethod
    def samples(self, numbers: range) -> Iterator[Sample]:
        """Makes `(measurement (S, T, R), property (1, Z, X))` for each sample number, in order."""

    def files(self) -> tuple[Path, ...]:
        """Original files that the samples are made from. Default: none."""
        return ()

    @cached_property
    def identity(self) -> str:
        """See `Dataset.identity`: what files hold counts, not where they lie."""
        options = self.options.model_dump(mode="json", exclude={*ON_READING, "path"})
        origin = {"files": stamp(self.files())} if self.source == "files" else {}
        return digest(
            {
                "name": self.spec.name,
                "version": self.spec.version,
                "options": options,
                "problem": self.problem.model_dump(mode="json"),
                "seed": BASE_SEED,
                **origin,
            }
        )

    @property
    def folder(self) -> Path:
        """The store's."""
        return self.store.folder

    @cached_property
    def store(self) -> Store:
        """Where the samples rest; profiles share it, so a larger one adds to a smaller."""
        problem = self.problem
        blank = Manifest(
            dataset=self.spec.name,
            source=self.source,
            version=self.spec.version,
            fingerprint=self.identity,
            seed=BASE_SEED,
            measurement_shape=problem.measurement_shape,
            property_shape=problem.property_shape,
            measurement_unit=UNITS[problem.survey.kind],
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

    def arrays(self) -> Shards:
        """The store's shards."""
        shards = [shard for _, shard in sorted(self.store.manifest().shards.items())]
        return Shards(
            tuple(self.folder / shard.measurements for shard in shards),
            tuple(self.folder / shard.properties for shard in shards),
            tuple(shard.samples for shard in shards),
        )

    def verify(self) -> list[str]:
        """Hashes every file and makes the first sample of every shard again.

        It must agree to 1e-3 of its largest amplitude (other processors round otherwise), after measurements
        are compressed as the problem has it, so that weak rows count as much as strong ones.
        """
        faults = [f"{name} is absent or was changed after it was made" for name in self.store.damaged()]
        if faults:
            return faults
        if missing := self.store.missing(self.size):
            return [f"{len(missing)} shards of profile {self.profile} are not made yet"]
        for number, shard in sorted(self.store.manifest().shards.items()):
            stored = [np.load(self.folder / f, mmap_mode="r")[0] for f in (shard.measurements, shard.properties)]
            made = next(iter(self.samples(range(number * self.shard_rows, number * self.shard_rows + 1))))
            for what, old, new in zip(("measurement", "property"), stored, made, strict=True):
                if what == "measurement":
                    old, new = (self.problem.amplitude.compress(one, np) for one in (old, new))
                residual = float(np.abs(old - new).max() / np.abs(new).max())
                if not residual < 1e-3:
                    faults.append(f"{what} {number * self.shard_rows} differs from a new one by {residual:.1e}")
        return faults
