"""A file or a folder of property maps, read map by map.

Invariant: at most one file is in memory; a map is checked before it is returned.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fwibench.datasets.readers.array_files import load_mat, load_npy, load_npz, mat_shape, npy_shape, npz_shape
from fwibench.datasets.readers.expected import ExpectedMaps, Shape, check_numbers
from fwibench.datasets.readers.raw_files import doubt_axes, load_raw, raw_shape
from fwibench.datasets.readers.segy_map import load_segy, segy_shape
from fwibench.datasets.value_checks import check_map, transposition_ratio
from fwibench.errors import DataError
from fwibench.files import atomic as files
from fwibench.files.npy import to_float32
from fwibench.samples import evenly_spaced
from fwibench.typing import Array32

FEW = 5
"""Most files and maps that are checked for the order of their axes."""


class Reader(NamedTuple):
    """Functions that read one format.

    Attributes:
        shape: Returns the shape of what `load` returns, without reading it where the format allows that.
        load: Returns the array of maps.
    """

    shape: Callable[[Path, ExpectedMaps], Shape]
    load: Callable[[Path, ExpectedMaps], NDArray[Any]]


READERS = {
    ".npy": Reader(npy_shape, load_npy),
    ".npz": Reader(npz_shape, load_npz),
    ".bin": Reader(raw_shape, load_raw),
    ".mat": Reader(mat_shape, load_mat),
    ".segy": Reader(segy_shape, load_segy),
    ".sgy": Reader(segy_shape, load_segy),
}


class Maps:
    """Maps of several files, in their order; `[i]` is `(1, Z, X)` float32 in the size it has in its file.

    Args:
        files: Files of maps.
        expected: Maps that are expected in them.

    Attributes:
        files: The files.
        sections: Sizes `(Z, X)` of the maps.

    Raises:
        DataError: A file cannot be read or holds something else.
    """

    def __init__(self, files: Sequence[Path], expected: ExpectedMaps) -> None:
        self.files = tuple(files)
        self._expected = expected
        shapes = [_measure(path, expected) for path in self.files]
        self._ends = np.cumsum([expected.count(path, shape) for path, shape in zip(self.files, shapes, strict=True)])
        turn = 1 if expected.axes == "zx" else -1
        self.sections = tuple(dict.fromkeys((shape[-2:][::turn][0], shape[-2:][::turn][1]) for shape in shapes))
        self._opened: tuple[int, NDArray[Any]] | None = None

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, index: int, /) -> Array32:
        if not 0 <= index < len(self):
            raise IndexError(index)
        number = int(np.searchsorted(self._ends, index, side="right"))
        row = int(index - (self._ends[number - 1] if number else 0))
        array = self._open(number)
        found = array if array.ndim == 2 else array[row]
        found = to_float32(found).reshape(found.shape[-2:])
        where = str(self.files[number]) + (f", map {row}" if array.ndim > 2 else "")
        check_map(found, where, self._expected.bounds)
        return (found if self._expected.axes == "zx" else found.T)[None]

    @cached_property
    def doubts(self) -> tuple[str, ...]:
        """Maps that are likely to have their axes in the other order, in a sentence each."""
        axes = self._expected.axes
        first, other = ("x", "xz") if axes == "zx" else ("depth", "zx")
        advice = f"if they do, give axes={other}"
        for path in [path for path in self.files if path.suffix.lower() == ".bin"][:FEW]:
            if reason := doubt_axes(path, self._expected):
                return (f"{path}: maps seem to have {first} first ({reason}); {advice}",)
        known_by_shape = self._expected.shapes and all(nz != nx for nz, nx in self.sections)
        numbers = evenly_spaced(len(self), FEW)
        factor = 0.0 if known_by_shape else transposition_ratio([self[int(number)][0] for number in numbers])
        if factor:
            return (
                f"{self.files[0]}: maps seem to have {first} first (steps along x are {factor:.3g} times those along "
                f"depth); {advice}",
            )
        return ()

    def _open(self, number: int) -> NDArray[Any]:
        if self._opened is None or self._opened[0] != number:
            path = self.files[number]
            with reading(path):
                array = _reader(path).load(path, self._expected)
            check_numbers(path, array.dtype)
            self._opened = number, array
        return self._opened[1]


def read_maps(path: Path, expected: ExpectedMaps, patterns: Sequence[str] = ("*",)) -> Maps:
    """Open a file of maps, or all files in a folder and its subfolders.

    Files come in natural order of their names: `model2` before `model10`.

    Args:
        path: A file or a folder.
        expected: Maps that are expected in the files.
        patterns: Patterns of file names in a folder; the first one that matches any file is used.

    Raises:
        DataError: There is no such file, or a file cannot be read or holds other arrays.
    """
    return Maps(find_files(path, patterns), expected)


def find_files(path: Path, patterns: Sequence[str] = ("*",)) -> list[Path]:
    """Return the files of maps at `path`, in natural order; see `read_maps`."""
    path = path.expanduser()
    if path.is_file():
        _reader(path)
        return [path]
    if not path.is_dir():
        raise DataError(f"there is no file or folder {path}", "correct the path")
    for pattern in patterns:
        found = [file for file in path.rglob(pattern) if file.suffix.lower() in READERS and file.name[0] != "."]
        if found:
            return sorted(found, key=natural_order)
    raise DataError(f"{path} holds no file of maps; expected {', '.join(READERS)}", "name the folder with the maps")


def natural_order(path: Path) -> tuple[list[tuple[int, str]], str]:
    """Sort key that compares numbers in names by value."""
    parts = re.findall(r"\d+|\D+", path.stem)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts], str(path)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn errors of a format's library into a `DataError` that names the file."""
    with files.reading(path, path.suffix, "the file is cut short, damaged, or of another format; get it again"):
        yield


def _measure(path: Path, expected: ExpectedMaps) -> Shape:
    with reading(path):
        return _reader(path).shape(path, expected)


def _reader(path: Path) -> Reader:
    reader = READERS.get(path.suffix.lower())
    if reader is None:
        raise DataError(f"{path} has the suffix '{path.suffix}', expected {', '.join(READERS)}", "convert it to .npy")
    return reader
