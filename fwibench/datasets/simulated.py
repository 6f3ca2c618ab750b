"""Datasets whose measurements are simulated from their maps: synthetic ones, or a user's original ones."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from fwibench.datasets.readers import Wanted, read_maps
from fwibench.datasets.resample import resample
from fwibench.datasets.splits import Indices, random_split
from fwibench.datasets.store import Sample
from fwibench.datasets.stored import StoredDataset
from fwibench.errors import DataError
from fwibench.npy import open_npy

Array = NDArray[np.float32]


class Originals(Protocol):
    """Maps that come from files."""

    @property
    def files(self) -> tuple[Path, ...]:
        """The files."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Array: ...


class SimulatedDataset(StoredDataset):
    """Maps, and measurements that the problem's physics makes from them; an author gives `maps`.

    A dataset with `FilesOptions` reads a user's original maps instead where `path` is set; its author says how
    they look.

    Attributes:
        sizes: Samples in all, in val and in test, by profile.
        original_shapes: Sizes `(Z, X)` of original maps, beside the grid's own.
        original_axes: Order of the axes in the files.
        original_names: Patterns of the files' names in a folder; the first that finds any is taken.
    """

    sizes: ClassVar[Mapping[str, tuple[int, int, int]]] = {}
    original_shapes: ClassVar[tuple[tuple[int, int], ...]] = ()
    original_axes: ClassVar[Literal["zx", "xz"]] = "zx"
    original_names: ClassVar[tuple[str, ...]] = ("*",)

    @abstractmethod
    def maps(self, numbers: range) -> Iterable[Array]:
        """Synthetic property maps `(1, Z, X)` of the sample numbers, in order."""

    @property
    def size(self) -> int:
        """Samples of this profile; fewer where there are fewer original maps."""
        return self.counts()[0]

    def indices(self, scheme: str) -> dict[str, Indices]:
        """Dealt out at random, whatever the scheme is called."""
        return random_split(*self.counts(), self.spec.name)

    @cached_property
    def originals(self) -> Originals | None:
        """The user's maps; None where the dataset is synthetic."""
        path: Path | None = getattr(self.options, "path", None)
        return None if path is None else self.open_originals(path)

    def open_originals(self, path: Path) -> Originals:
        """Opens original files. Default: a file or folder of maps, see `read_maps`."""
        problem = self.problem
        shapes = tuple(dict.fromkeys((*self.original_shapes, problem.grid.shape)))
        wanted = Wanted(shapes=shapes, axes=self.original_axes, bounds=problem.property)
        return read_maps(path, wanted, self.original_names)

    def files(self) -> tuple[Path, ...]:
        """The user's files."""
        return self.originals.files if self.originals is not None else ()

    def adapt(self, original: Array) -> Array:
        """Brings an original map `(1, Z, X)` to the problem's grid. Default: averages, see `resample`."""
        return resample(original, self.problem.grid.shape)

    def counts(self) -> tuple[int, int, int]:
        """The profile's `sizes`; less, in proportion, where there are fewer original maps."""
        n, n_val, n_test = self.sizes[self.profile]
        found = n if self.originals is None else min(len(self.originals), n)
        if found < 3:
            raise DataError(f"{found} maps found, expected 3 or more: one each for train, val and test", "add maps")
        return found, max(n_val * found // n, 1), max(n_test * found // n, 1)

    def samples(self, numbers: range) -> Iterator[Sample]:
        """Maps and their simulated measurements."""
        from fwibench.physics.parallel import simulate_each

        maps = self._made(numbers)
        yield from zip(simulate_each(maps, self.problem), maps, strict=True)

    def _made(self, numbers: range) -> list[Array]:
        originals = self.originals
        return list(self.maps(numbers)) if originals is None else [self.adapt(originals[i]) for i in numbers]

    def verify(self) -> list[str]:
        """As for every store; and the first map of every shard is made again and must be the same."""
        faults = super().verify()
        if faults:
            return faults
        for number, path in enumerate(self.arrays().properties):
            first = number * self.shard_rows
            if not np.allclose(open_npy(path)[:1], self._made(range(first, first + 1)), rtol=1e-5):
                faults.append(f"map {first} differs from a new one")
        return faults
