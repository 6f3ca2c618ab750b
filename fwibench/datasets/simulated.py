"""Datasets whose measurements are simulated from synthetic or original maps."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import cached_property, lru_cache
from pathlib import Path
from typing import ClassVar, Literal, Protocol

import numpy as np

from fwibench.datasets.readers import ExpectedMaps, read_maps
from fwibench.datasets.splits import random_split
from fwibench.datasets.store import Sample
from fwibench.datasets.stored import StoredDataset
from fwibench.errors import DataError
from fwibench.files.npy import open_npy
from fwibench.typing import Array32, Array64, Indices


class Originals(Protocol):
    """Maps in files."""

    @property
    def files(self) -> tuple[Path, ...]:
        """Files of the maps."""

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Array32: ...


class SimulatedDataset(StoredDataset):
    """A dataset of maps and simulated measurements; the author implements `maps`.

    A dataset with `FilesOptions` reads original maps instead if `path` is set; the attributes describe them.

    Attributes:
        sizes: Number of samples in all, in val and in test, by profile.
        original_shapes: Sizes `(Z, X)` of original maps, beside that of the grid.
        original_axes: Default order of the axes in the files; the option `axes` overrides it.
        original_names: Patterns of file names in a folder; the first that matches any file is used.
        original_spacing: Spacing of maps of `original_shapes` [m]; None if unknown.
        original_caveats: Limits of results on original maps.
    """

    sizes: ClassVar[Mapping[str, tuple[int, int, int]]] = {}
    original_shapes: ClassVar[tuple[tuple[int, int], ...]] = ()
    original_axes: ClassVar[Literal["zx", "xz"]] = "zx"
    original_names: ClassVar[tuple[str, ...]] = ("*",)
    original_spacing: ClassVar[float | None] = None
    original_caveats: ClassVar[tuple[str, ...]] = ()
    _ahead: tuple[range, Future[list[Array32]] | None] = range(0), None

    @abstractmethod
    def maps(self, numbers: range) -> Iterable[Array32]:
        """Return synthetic property maps `(1, Z, X)` of the sample numbers, in order."""

    @property
    def size(self) -> int:
        """Number of samples in this profile; fewer if there are fewer original maps."""
        return self.counts()[0]

    def indices(self, scheme: str) -> dict[str, Indices]:
        """Return a random split, for every scheme."""
        return random_split(*self.counts(), self.spec.name)

    @cached_property
    def originals(self) -> Originals | None:
        """Original maps; None if the dataset is synthetic."""
        path: Path | None = getattr(self.options, "path", None)
        return None if path is None else self.open_originals(path)

    def open_originals(self, path: Path) -> Originals:
        """Open original files. Default: a file or folder of maps, see `read_maps`."""
        problem = self.problem
        shapes = tuple(dict.fromkeys((*self.original_shapes, problem.grid.shape)))
        expected = ExpectedMaps(shapes=shapes, axes=self.axes, bounds=problem.property)
        return read_maps(path, expected, self.original_names)

    @property
    def axes(self) -> Literal["zx", "xz"]:
        """Order of the axes in original files."""
        chosen: Literal["zx", "xz"] | None = getattr(self.options, "axes", None)
        return chosen or self.original_axes

    def doubts(self) -> list[str]:
        """Return doubts about original maps: transposed axes, clipped values."""
        return list(getattr(self.originals, "doubts", ()))

    @property
    def summary(self) -> str:
        """Description of the samples; of original maps with their number and the survey."""
        if self.originals is None:
            return super().summary
        grid = self.problem.grid
        return (
            f"{self.size} maps from original files, {grid.nz} x {grid.nx} at {grid.spacing:g} m, simulated with the "
            f"survey of {self.spec.name}"
        )

    @property
    def licence(self) -> str:
        """Licence of the samples; that of original files is unknown."""
        return super().licence if self.originals is None else "that of the original files; see where they come from"

    @property
    def caveats(self) -> tuple[str, ...]:
        """Limits of results; of original maps their resampling, and `original_caveats`."""
        if self.originals is None:
            return super().caveats
        made = "measurements are simulated here from the maps; they are not those that were published with them"
        return (*self._resampled(), made, *self.original_caveats)

    def _resampled(self) -> Iterator[str]:
        """A sentence on maps whose size differs from that of the grid."""
        grid = self.problem.grid
        for section in getattr(self.originals, "sections", ()):
            if section == grid.shape:
                continue
            scale = "regardless of their own spacing"
            if self.original_spacing and section in self.original_shapes:
                old, new = (
                    " x ".join(f"{spacing * count:g}" for count in shape)
                    for spacing, shape in ((self.original_spacing, section), (grid.spacing, grid.shape))
                )
                scale = f"so a section of {old} m becomes one of {new} m, and structures shrink with it"
            yield (
                f"maps of {section[0]} x {section[1]} nodes are averaged to {grid.nz} x {grid.nx} and taken to lie at "
                f"{grid.spacing:g} m, {scale}"
            )

    def files(self) -> tuple[Path, ...]:
        """Return the original files."""
        return self.originals.files if self.originals is not None else ()

    def adapt(self, original: Array32) -> Array32:
        """Return an original map `(1, Z, X)` on the grid of the problem. Default: averages, see `resample`."""
        return resample(original, self.problem.grid.shape)

    def counts(self) -> tuple[int, int, int]:
        """Return the `sizes` of the profile; reduced in proportion if there are fewer original maps."""
        n, n_val, n_test = self.sizes[self.profile]
        found = n if self.originals is None else min(len(self.originals), n)
        if found < 3:
            raise DataError(f"{found} maps found, expected 3 or more: one each for train, val and test", "add maps")
        return found, max(n_val * found // n, 1), max(n_test * found // n, 1)

    @property
    def devices(self) -> tuple[str, ...]:
        """See `Dataset.devices`; acoustic measurements can be simulated on a GPU."""
        from fwibench.physics.parallel import runs_on_gpu

        # a subclass may generate its samples in another way
        simulated_here = type(self).samples is SimulatedDataset.samples
        return ("cpu", "cuda") if simulated_here and runs_on_gpu(self.problem) else ("cpu",)

    def samples(self, numbers: range) -> Iterator[Sample]:
        """Generate maps and their simulated measurements."""
        from fwibench.physics.parallel import simulate_each

        maps = self._made(numbers) if self.device == "cpu" else self._draw_ahead(numbers)
        yield from zip(simulate_each(maps, self.problem, self.device), maps, strict=True)

    def _draw_ahead(self, numbers: range) -> list[Array32]:
        """Return the maps of sample numbers, and begin to draw those of the next shard in a thread.

        A map takes up to 12 ms of one core, in which a GPU would have nothing to do.
        """
        (known, drawn), self._ahead = self._ahead, (range(0), None)
        if drawn is not None:
            # the author's `maps` never runs twice at a time
            wait([drawn])
        maps = drawn.result() if drawn is not None and known == numbers else self._made(numbers)
        following = range(numbers.stop, min(numbers.stop + self.shard_rows, self.size))
        pool = ThreadPoolExecutor(1)
        self._ahead = following, pool.submit(self._made, following) if following else None
        pool.shutdown(wait=False)
        return maps

    def _made(self, numbers: range) -> list[Array32]:
        originals = self.originals
        return list(self.maps(numbers)) if originals is None else [self.adapt(originals[i]) for i in numbers]

    def verify(self) -> list[str]:
        """Check the store; the first map of every shard is made again and must be equal."""
        faults = super().verify()
        if faults:
            return faults
        for number, path in enumerate(self.arrays().properties):
            first = number * self.shard_rows
            if not np.allclose(open_npy(path)[:1], self._made(range(first, first + 1)), rtol=1e-5):
                faults.append(f"map {first} differs from a new one")
        return faults


def resample(section: Array32, shape: tuple[int, int]) -> Array32:
    """Resample maps, axis by axis; both sizes cover the same section.

    An axis that shrinks takes averages over the new cells, weighted by overlap; one that grows is interpolated
    between the centres of the old ones. A node stands for the cell around it.

    Args:
        section: Maps `(..., Z, X)`.
        shape: New `(Z, X)`.
    """
    if section.shape[-2:] == shape:
        return section
    down, across = (_weights(old, new) for old, new in zip(section.shape[-2:], shape, strict=True))
    return (down @ section.astype(np.float64) @ across.T).astype(np.float32)


@lru_cache(maxsize=8)
def _weights(old: int, new: int) -> Array64:
    """Matrix `(new, old)` whose rows sum to 1."""
    if new >= old:
        centres = (np.arange(new) + 0.5) * old / new - 0.5
        return np.stack([np.interp(centres, np.arange(old), one) for one in np.eye(old)], axis=1)
    edges = np.arange(new + 1) * old / new
    first, last = np.arange(old), np.arange(old) + 1
    overlap = np.minimum(edges[1:, None], last) - np.maximum(edges[:-1, None], first)
    return np.clip(overlap, 0, None) * (new / old)
