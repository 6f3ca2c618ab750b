"""The ten families of OpenFWI as one dataset.

Invariant: no sample is copied. A sample keeps its id and its noise in the dataset of its family.
"""

from __future__ import annotations

import os
from functools import cached_property, partial
from itertools import accumulate
from pathlib import Path

import numpy as np

from fwibench.datasets.base import Dataset, Estimate, Progress, Shards, digest
from fwibench.datasets.openfwi.dataset import Originals, family_problem, open_family
from fwibench.datasets.openfwi.spec import FAMILIES, WITHOUT, JointOptions, OpenFWIOptions, openfwi_specs
from fwibench.datasets.splits import SPLITS
from fwibench.errors import DataError, UsageError
from fwibench.problem import Problem
from fwibench.samples import Transform
from fwibench.specs.dataset import DatasetSpec, Profile
from fwibench.text.quoting import select
from fwibench.typing import Array32, Indices


def open_joint(spec: DatasetSpec, options: JointOptions, profile: Profile) -> Joint:
    """Open the joint dataset.

    Args:
        spec: Its spec.
        options: Options; with `path` the original files of all families are opened, else their synthetic twins.
        profile: Profile, which decides the number of samples of each family.

    Raises:
        UsageError: The option of original files is given without `path`.
        DataError: The folder of a family is missing.
    """
    if options.path is None and options.protocol != "fwibench":
        raise UsageError(
            f"{spec.name} has protocol={options.protocol} without path, which concerns original files only",
            f"{spec.name}[path=FOLDER,...]",
        )
    return Joint(spec, options, profile)


class Joint(Dataset):
    """The samples of all families, one family after the other.

    Number `i` of a family is number `i` plus the numbers of the families before it.
    """

    options: JointOptions

    @cached_property
    def families(self) -> tuple[Dataset, ...]:
        """The datasets of the families, with the noise of this one."""
        folders = _family_folders(self.options.path) if self.options.path is not None else {}
        chosen = self.options.model_dump(exclude={"path"})
        return tuple(
            open_family(spec, OpenFWIOptions(**chosen, path=folders.get(spec.name)), self.profile)
            for spec in openfwi_specs()
        )

    @cached_property
    def _counts(self) -> tuple[int, ...]:
        """Number of samples of each family that have a number: original files hold more than are used."""
        return tuple(
            sum(family.arrays().counts) if isinstance(family, Originals) else family.size for family in self.families
        )

    @cached_property
    def _firsts(self) -> tuple[int, ...]:
        """Number of the first sample of each family."""
        return tuple(accumulate(self._counts[:-1], initial=0))

    @cached_property
    def problem(self) -> Problem:
        """The problem of the families, with the widest of their amplitudes."""
        low, high = min(one.low for one in FAMILIES.values()), max(one.high for one in FAMILIES.values())
        return family_problem(next(iter(FAMILIES.values()))._replace(low=low, high=high))

    @property
    def size(self) -> int:
        """Number of samples of all families in this profile."""
        return sum(family.size for family in self.families)

    @cached_property
    def identity(self) -> str:
        """See `Dataset.identity`."""
        return digest([self.spec.name, self.spec.version, [family.identity for family in self.families]])

    @property
    def folder(self) -> Path:
        """Deepest folder that holds the samples of all families."""
        return Path(os.path.commonpath([family.folder.absolute() for family in self.families]))

    def indices(self, scheme: str) -> dict[str, Indices]:
        """Return the joined splits of the families; those without a family test on its test samples alone."""
        left_out = scheme.removeprefix(WITHOUT) if scheme.startswith(WITHOUT) else ""
        parts: dict[str, list[Indices]] = {name: [] for name in SPLITS}
        for first, family in zip(self._firsts, self.families, strict=True):
            for name, numbers in family.indices("random").items():
                if not left_out or (family.spec.name == left_out) == (name == "test"):
                    parts[name].append(first + numbers)
        return {name: np.concatenate(numbers) for name, numbers in parts.items()}

    def sample_id(self, number: int) -> str:
        """Return the id that a sample has in its family, such as `flatvel-a-000012`."""
        family = int(np.searchsorted(self._firsts, number, side="right")) - 1
        return self.families[family].sample_id(number - self._firsts[family])

    def noise(self, split: str) -> Transform | None:
        """Return what is added to measurements: a sample has the noise that it has in its family."""
        added = [family.noise(split) for family in self.families]
        if not any(added):
            return None

        def add(measurements: Array32, numbers: Indices) -> Array32:
            owners = np.searchsorted(self._firsts, numbers, side="right") - 1
            for owner in np.unique(owners):
                here, noise = np.flatnonzero(owners == owner), added[owner]
                if noise is not None:
                    measurements[here] = noise(measurements[here], numbers[here] - self._firsts[owner])
            return measurements

        return add

    def arrays(self) -> Shards:
        """Return the shards of the families; of a store that a larger profile shares, those of this profile."""
        found = [_shorten(family.arrays(), count) for family, count in zip(self.families, self._counts, strict=True)]
        return Shards(*(sum(parts, ()) for parts in zip(*found, strict=True)))

    def samples_in_files(self) -> dict[Path, int]:
        """Return the number of samples in each file, also of samples that only a larger profile uses."""
        return {path: count for family in self.families for path, count in family.samples_in_files().items()}

    def digests(self) -> dict[Path, str]:
        """Return the recorded SHA-256 of each file; empty for original files."""
        return {path: one for family in self.families for path, one in family.digests().items()}

    @property
    def devices(self) -> tuple[str, ...]:
        """See `Dataset.devices`; those of the families."""
        return self.families[0].devices

    def prepared(self) -> bool:
        """Return whether the samples of all families are on disk."""
        return all(family.prepared() for family in self.families)

    def check(self) -> None:
        """See `Dataset.check`; the message names the family."""
        for family in self.families:
            family.check()

    def prepare(self, progress: Progress = lambda done, total: None) -> None:
        """Make the missing samples of the families, one family after the other.

        Args:
            progress: Called with the numbers of finished and of all samples.
        """
        ready = 0
        for family in self.families:
            family.device = self.device
            if isinstance(family, Originals):
                # its progress counts files
                family.prepare()
            else:
                family.prepare(partial(_tell, progress, ready, self.size))
            ready += family.size
            progress(ready, self.size)

    def doubts(self) -> list[str]:
        """Return what is doubtful about original files, family by family."""
        return [doubt for family in self.families for doubt in family.doubts()]

    def missing_bytes(self) -> int:
        """Return the disk space of the missing samples [bytes]."""
        return sum(family.missing_bytes() for family in self.families)

    def estimate(self) -> Estimate | None:
        """See `Dataset.estimate`; samples of one family are timed, since all have one survey."""
        lacking = next((family for family in self.families if family.missing_bytes()), None)
        if lacking is None:
            return None
        lacking.device = self.device
        one = lacking.estimate()
        if one is None:
            return None
        share = self.missing_bytes() / one.size
        return Estimate(round(share * one.samples), self.missing_bytes(), share * one.seconds)

    def verify(self) -> list[str]:
        """Return the faults of all families."""
        return [f"{family.spec.name}: {fault}" for family in self.families for fault in family.verify()]

    @property
    def summary(self) -> str:
        """Summary of the spec; for original files the number of samples."""
        if self.options.path is None:
            return super().summary
        return f"{self.size} original samples of the ten families of OpenFWI; 70 x 70 at 10 m, 5 shots of 15 Hz"

    @property
    def licence(self) -> str:
        """Licence of the samples."""
        return super().licence if self.options.path is None else self.families[0].licence

    @property
    def caveats(self) -> tuple[str, ...]:
        """Limits of results on these samples."""
        return super().caveats if self.options.path is None else self.families[0].caveats

    @property
    def tolerance(self) -> float:
        """Largest residual of a stored measurement and its simulation."""
        return max(family.tolerance for family in self.families)


def _tell(progress: Progress, before: int, size: int, done: int, total: int) -> None:
    """Pass on the progress of a family, after `before` of `size` samples of the others."""
    progress(before + done, size)


def _shorten(shards: Shards, count: int) -> Shards:
    """Return the shards of the first `count` samples."""
    ends = list(accumulate(shards.counts))
    used = sum(end < count for end in ends) + 1
    rows = tuple(min(end, count) - (end - own) for end, own in zip(ends[:used], shards.counts, strict=False))
    return Shards(shards.measurements[:used], shards.properties[:used], rows)


def _family_folders(path: Path) -> dict[str, Path]:
    """Return the folder of each family in a folder.

    Raises:
        DataError: A family has none.
    """
    try:
        found = {one.name.lower().replace("_", "-"): one for one in sorted(path.iterdir()) if one.is_dir()}
    except OSError as error:
        raise DataError(
            f"{path} cannot be listed: {error.strerror}", "set path to the folder of the families"
        ) from error
    if missing := [name for name in FAMILIES if name not in found]:
        raise DataError(
            f"{path} has no folder for {', '.join(missing)}; expected one for each of the ten families",
            f"download them, or use single families: {select(missing[0], {'path': 'FOLDER'})}",
        )
    return found
