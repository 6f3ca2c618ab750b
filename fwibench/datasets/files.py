"""Datasets that lie in somebody's `.npy` files and are read there.

Invariant: the files are only read. What they hold is the dataset's identity, not where they lie.
"""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from fwibench.datasets.base import Dataset, Progress, Shards, digest
from fwibench.datasets.value_checks import extremes, find_fault, fits, look_turned
from fwibench.errors import DataError
from fwibench.files.atomic import sha256
from fwibench.files.npy import open_npy
from fwibench.files.states import remembered, rotten, stamp
from fwibench.problem import Property
from fwibench.text.readable import list_names

OFF_SCALE = 10.0
"""Measurements whose largest amplitude differs from the problem's by more than this factor are doubted; those of
OpenFWI's ten families lie between 46 and 57."""
FEW = 20
"""Files of which one map is looked at."""


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
        self.check()
        problem = self.problem.model_dump(mode="json", exclude_defaults=True)
        return digest([self.spec.name, self.spec.version, problem, stamp(self.files())])

    def absent(self) -> list[str]:
        """Lines on files that are not there."""
        return [f"{path} is missing" for path in self.files() if not path.is_file()]

    def changed(self) -> list[str]:
        """Lines on files that are there and not what they were when the dataset was made known. Default: none."""
        return []

    def prepared(self) -> bool:
        """Whether all files are there, and unchanged."""
        return not self.absent() and not self.changed()

    def check(self) -> None:
        """See `Dataset.check`: nothing is missing, and values are finite and within the bounds of the property.

        Files are read once, and again when their state differs; see `fwibench.files.states`.
        """
        self.prepare()

    def prepare(self, progress: Progress = lambda done, total: None) -> None:
        """Nothing is made, but files that were not looked at yet are read.

        Args:
            progress: Called with files read and files to read.

        Raises:
            DataError: Files are missing, or hold values that are not finite or outside of the property's bounds.
        """
        extremes_of = self._read(progress)
        if wrong := [*self.absent(), *self.changed()]:
            raise DataError(f"{self.spec.name}: {'; '.join(wrong[:5])}", self.repair)
        for path, count, bounds in self._sides():
            found = extremes_of[path]
            if (found is None or (bounds and not fits(found, bounds))) and (fault := find_fault(path, count, bounds)):
                raise DataError(fault.message, fault.hint)

    def _read(self, progress: Progress = lambda done, total: None) -> dict[Path, list[float] | None]:
        """Least and largest value of each file that is there; None for one that holds NaN or infinity."""
        there = [path for path in self.files() if path.is_file()]
        # the hash is worked out along with them, while the file is in the system's memory
        values = remembered(there, {"extremes": extremes, "sha256": sha256}, progress)
        return {path: one["extremes"] for path, one in zip(there, values, strict=True)}

    def _sides(self) -> Iterator[tuple[Path, int, Property | None]]:
        """Each file, how many samples it holds, and the bounds of its values where it holds maps."""
        shards = self.arrays()
        for files, bounds in ((shards.measurements, None), (shards.properties, self.problem.property)):
            for path, count in zip(files, shards.counts, strict=True):
                yield path, count, bounds

    def doubts(self) -> list[str]:
        """Records of zeros, amplitudes far off the problem's scale, and square maps that look turned."""
        shards, amplitude = self.arrays(), self.problem.amplitude
        usual = max(abs(amplitude.low), abs(amplitude.high))
        read = self._read()
        largest = {path: max(map(abs, values)) for path in shards.measurements if (values := read.get(path))}
        found = []
        if zeros := [path for path, one in largest.items() if not one]:
            found.append(f"every value of {list_names(zeros, 1)} is 0")
        if not amplitude.rows and (
            off := [path for path, one in largest.items() if one and not 1 / OFF_SCALE <= one / usual <= OFF_SCALE]
        ):
            found.append(
                f"the largest amplitude of {list_names(off, 1)} is {largest[off[0]]:.3g}, expected about {usual:.3g}; "
                "the measurements may be scaled, or belong to another dataset"
            )
        some = shards.properties[:: -(-len(shards.properties) // FEW)]
        nz, nx = self.problem.grid.shape
        maps = [open_npy(path).reshape(-1, nz, nx)[0] for path in some]
        if nz == nx and (factor := look_turned(maps)):
            found.append(
                f"maps of {self.spec.name} may have x first: steps along x are {factor:.3g} times those along depth"
            )
        return found

    @property
    def tolerance(self) -> float:
        """Another order of the scheme makes 0.02, a wavelet that is one sample late 0.1."""
        return 0.05

    @property
    def repair(self) -> str:
        """The files are not ours to delete."""
        return "get the files anew"

    def verify(self) -> list[str]:
        """Reads every sample: values must be finite, and properties within the bounds; hashes must be as remembered."""
        if wrong := [*self.absent(), *self.changed()]:
            return wrong
        found = (find_fault(path, count, bounds) for path, count, bounds in self._sides())
        faults = [f"{fault.message} ({fault.hint})" for fault in found if fault]
        return faults or [f"{path}: {reason}" for path, reason in rotten(self.files())]
