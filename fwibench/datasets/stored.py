"""Datasets whose samples are generated one by one and kept in a store.

Invariant: sample `i` depends only on the identity of the dataset and `i`. So generation can be interrupted, resumed,
extended and distributed over workers, and gives the same samples.
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
    """A dataset that generates its samples; the author implements `samples`.

    Attributes:
        shard_rows: Number of samples in a file.
    """

    shard_rows = 100

    @abstractmethod
    def samples(self, numbers: range) -> Iterator[Sample]:
        """Generate `(measurement (S, T, R), property (1, Z, X))` for each sample number, in order."""

    def files(self) -> tuple[Path, ...]:
        """Return the original files that the samples are made from. Default: none."""
        return ()

    @cached_property
    def identity(self) -> str:
        """See `Dataset.identity`; it depends on the content of files, not on their paths."""
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
        """Folder of the sample store."""
        return self.store.folder

    @cached_property
    def store(self) -> Store:
        """Store of the samples; profiles share it, so a larger one extends a smaller one."""
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
        """Return whether all samples of this profile are on disk, unchanged since they were made."""
        return not self.store.missing(self.size) and not self.store.changed(self.size)

    def check(self) -> None:
        """See `Dataset.check`; the message names files that were changed."""
        self._check_unchanged()
        super().check()

    def _check_unchanged(self) -> None:
        if changed := self.store.changed(self.size):
            raise DataError(
                f"{list_names(changed, 4)} of {self.spec.name} changed after being made, in {self.folder}",
                self.repair,
            )

    def missing_bytes(self) -> int:
        """Return the disk space of the missing samples [bytes]."""
        return self.store.missing_bytes(self.size)

    def estimate(self) -> Estimate | None:
        """See `Dataset.estimate`; one sample is timed after a first one for warming up, on a GPU a batch."""
        from fwibench.physics.parallel import available_cores

        samples = self.size - self.store.done(self.size)
        if not samples:
            return None
        on_cpu = self.device == "cpu"
        timed = 1 if on_cpu else min(samples, self.shard_rows)
        for first, count in ((0, 1), (1, timed)):
            start = time.monotonic()
            for _ in self.samples(range(first, first + count)):
                pass
            seconds = (time.monotonic() - start) / count
        at_once = min(available_cores(), samples) if on_cpu else 1
        return Estimate(samples, self.missing_bytes(), seconds * samples / at_once)

    def prepare(self, progress: Progress = lambda done, total: None) -> None:
        """Make the missing samples; see `Store.grow` for more errors.

        Raises:
            DataError: A file was changed after it was made.
        """
        self._check_unchanged()
        self.store.grow(self.size, self.samples, progress, self._device_name())

    def _device_name(self) -> str:
        """`cpu`, or `cuda` with the model of the GPU."""
        if self.device == "cpu":
            return self.device
        import torch

        return f"cuda ({torch.cuda.get_device_name(self.device)})"

    def arrays(self) -> Shards:
        """Return the shards of the store."""
        shards = [shard for _, shard in sorted(self.store.manifest().shards.items())]
        return Shards(
            tuple(self.folder / shard.measurements for shard in shards),
            tuple(self.folder / shard.properties for shard in shards),
            tuple(shard.samples for shard in shards),
        )

    @property
    def repair(self) -> str:
        """Advice on files that were changed: samples can be made again."""
        return f"delete these files, then make them again: {self.preparing}"

    def digests(self) -> dict[Path, str]:
        """Return the SHA-256 of each file in the manifest."""
        shards = self.store.manifest().shards.values()
        return {self.folder / name: digest for shard in shards for name, digest in shard.sha256.items()}

    def verify(self) -> list[str]:
        """Check hashes of all files, missing shards, and values that are not finite."""
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
