"""Datasets whose samples are read from existing `.npy` files.

Invariant: the files are never written. The identity of the dataset is their content, not their path.
"""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from fwibench.datasets.base import Dataset, Progress, Shards, digest
from fwibench.datasets.value_checks import extremes, find_wrong_values, fits, transposition_ratio
from fwibench.errors import DataError
from fwibench.files.atomic import sha256
from fwibench.files.npy import open_npy
from fwibench.files.states import remembered, rotten, stamp
from fwibench.problem import Property
from fwibench.text.readable import list_names

OFF_SCALE = 10.0
"""Largest ratio of the amplitudes of measurements and problem, either way; the largest amplitudes of OpenFWI's ten
families lie between 46 and 57."""
FEW = 20
"""Most files of which one map is checked for the order of its axes."""


class FilesDataset(Dataset):
    """A dataset of pairs of `.npy` files; the author implements `problem`, `size`, `indices` and `arrays`."""

    @abstractmethod
    def arrays(self) -> Shards:
        """Return the files."""

    def files(self) -> tuple[Path, ...]:
        """Return the files of measurements, then those of properties."""
        shards = self.arrays()
        return shards.measurements + shards.properties

    @property
    def folder(self) -> Path:
        """Deepest folder that holds all files."""
        return Path(os.path.commonpath([path.absolute().parent for path in self.files()]))

    @cached_property
    def identity(self) -> str:
        """See `Dataset.identity`."""
        self.check()
        problem = self.problem.model_dump(mode="json", exclude_defaults=True)
        return digest([self.spec.name, self.spec.version, problem, stamp(self.files())])

    def absent(self) -> list[str]:
        """Return a line for each file that is missing."""
        return [f"{path} is missing" for path in self.files() if not path.is_file()]

    def changed(self) -> list[str]:
        """Return a line for each file that was changed after the dataset was added. Default: none."""
        return []

    def prepared(self) -> bool:
        """Return whether all files exist, unchanged."""
        return not self.absent() and not self.changed()

    def check(self) -> None:
        """See `Dataset.check`: all files exist, and values are finite and within the bounds of the property.

        Files are read once, and again when their state changes; see `fwibench.files.states`.
        """
        self.prepare()

    def prepare(self, progress: Progress = lambda done, total: None) -> None:
        """Read the files that were not read before; nothing is written.

        Args:
            progress: Called with the number of files read and of all files.

        Raises:
            DataError: Files are missing, or hold values that are not finite or outside the bounds of the property.
        """
        extremes_of = self._read(progress)
        if wrong := [*self.absent(), *self.changed()]:
            raise DataError(f"{self.spec.name}: {'; '.join(wrong[:5])}", self.repair)
        for path, count, bounds in self._sides():
            found = extremes_of[path]
            if (found is None or (bounds and not fits(found, bounds))) and (
                fault := find_wrong_values(path, count, bounds)
            ):
                raise DataError(fault.message, fault.hint)

    def _read(self, progress: Progress = lambda done, total: None) -> dict[Path, list[float] | None]:
        """Smallest and largest value of each existing file; None for one that holds NaN or infinity."""
        there = [path for path in self.files() if path.is_file()]
        # the hash is computed as well, while the file is in the page cache
        values = remembered(there, {"extremes": extremes, "sha256": sha256}, progress)
        return {path: one["extremes"] for path, one in zip(there, values, strict=True)}

    def _sides(self) -> Iterator[tuple[Path, int, Property | None]]:
        """Each file, its number of samples, and the property where it holds maps."""
        shards = self.arrays()
        for files, bounds in ((shards.measurements, None), (shards.properties, self.problem.property)):
            for path, count in zip(files, shards.counts, strict=True):
                yield path, count, bounds

    def doubts(self) -> list[str]:
        """Return a line for records of zeros, amplitudes of another scale, and maps that are likely transposed."""
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
        if nz == nx and (factor := transposition_ratio(maps)):
            found.append(
                f"maps of {self.spec.name} may have x first: steps along x are {factor:.3g} times those along depth"
            )
        return found

    @property
    def tolerance(self) -> float:
        """Residual that is accepted: another order of the scheme makes 0.02, a wavelet that is one sample late 0.1."""
        return 0.05

    @property
    def repair(self) -> str:
        """Advice on damaged files; files of the user are never deleted."""
        return "get the files again"

    def verify(self) -> list[str]:
        """Read every sample: values must be finite, properties within the bounds, and hashes as recorded before."""
        if wrong := [*self.absent(), *self.changed()]:
            return wrong
        found = (find_wrong_values(path, count, bounds) for path, count, bounds in self._sides())
        faults = [f"{fault.message} ({fault.hint})" for fault in found if fault]
        return faults or [f"{path}: {reason}" for path, reason in rotten(self.files())]
