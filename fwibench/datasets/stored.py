"""Datasets whose samples are made one by one and kept in a store.

Invariant: sample `i` depends only on the dataset's identity and `i`. So a dataset can be grown,
interrupted, and made by many workers, and is the same in the end.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

from fwibench.datasets.base import Dataset, Estimate, Progress, Shards, digest
from fwibench.datasets.store import Manifest, Sample, Store
from fwibench.datasets.value_checks import extremes
from fwibench.errors import DataError
from fwibench.files.atomic import data_root
from fwibench.files.states import stamp
from fwibench.seeds import BASE_SEED
from fwibench.specs.dataset_options import FROM_FILES, ON_READING, path_fields
from fwibench.text.readable import list_names

UNITS = {"seismic": "amplitude", "em": "V/m"}


class StoredDataset(Dataset):
    """A dataset that makes its samples; an author gives `samples`.

    Attributes:
        shard_rows: Samples in a file.
    """

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
        plain = set(type(self.options).added) - set(self.options.model_dump(exclude_defaults=True))
        options = self.options.model_dump(mode="json", exclude={*ON_READING, *FROM_FILES, *plain})
        options |= dict.fromkeys(path_fields(type(self.options)) & options.keys())
        origin: dict[str, Any] = {}
        if self.source == "files" or self.files():
            reading = self.options.model_dump(mode="json", include={*FROM_FILES} - {"path"}, exclude_none=True)
            origin = {"files": stamp(self.files()), **reading}
        return digest(
            {
                "name": self.spec.name,
                "version": self.spec.version,
                "options": options,
                "problem": self.problem.model_dump(mode="json", exclude_defaults=True),
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
        """Whether every sample of this profile is on disk, unchanged since it was made."""
        return not self.store.missing(self.size) and not self.store.changed(self.size)

    def check(self) -> None:
        """See `Dataset.check`; a file that was changed after it was made is named."""
        self._check_unchanged()
        super().check()

    def _check_unchanged(self) -> None:
        if changed := self.store.changed(self.size):
            raise DataError(
                f"{list_names(changed, 4)} of {self.spec.name} changed after being made, in {self.folder}",
                self.repair,
            )

    def missing_bytes(self) -> int:
        """Disk that the samples still to be made will take."""
        return self.store.missing_bytes(self.size)

    def estimate(self) -> Estimate | None:
        """From the clock of one sample, made after another one that warms up."""
        from fwibench.physics.parallel import available_cores

        samples = self.size - self.store.done(self.size)
        if not samples:
            return None
        for number in range(2):
            start = time.monotonic()
            next(iter(self.samples(range(number, number + 1))))
            seconds = time.monotonic() - start
        return Estimate(samples, self.missing_bytes(), seconds * samples / min(available_cores(), samples))

    def prepare(self, progress: Progress = lambda done, total: None) -> None:
        """Makes the samples that are missing; see `Store.grow` for more errors.

        Raises:
            DataError: A file was changed after it was made.
        """
        self._check_unchanged()
        self.store.grow(self.size, self.samples, progress)

    def arrays(self) -> Shards:
        """The store's shards."""
        shards = [shard for _, shard in sorted(self.store.manifest().shards.items())]
        return Shards(
            tuple(self.folder / shard.measurements for shard in shards),
            tuple(self.folder / shard.properties for shard in shards),
            tuple(shard.samples for shard in shards),
        )

    @property
    def repair(self) -> str:
        """What to do about files that changed: samples can be made again."""
        return f"delete these files, then make them again: {self.preparing}"

    def digests(self) -> dict[Path, str]:
        """Return what the manifest says of each file."""
        shards = self.store.manifest().shards.values()
        return {self.folder / name: digest for shard in shards for name, digest in shard.sha256.items()}

    def verify(self) -> list[str]:
        """Hashes every file; looks for shards that are not made and values that are not finite."""
        faults = [f"{name} is absent or was changed after it was made" for name in self.store.damaged()]
        if faults:
            return faults
        if missing := self.store.missing(self.size):
            return [f"{len(missing)} shards of profile {self.profile} are not made yet"]
        return [
            f"{path.name} holds values that are not finite"
            for path in (*self.arrays().measurements, *self.arrays().properties)
            if extremes(path) is None
        ]
