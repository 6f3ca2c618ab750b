"""A file or a folder of property maps, read map by map.

Invariant: at most one file is in memory, whatever the folder holds; a map is checked before it is handed out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from fwibench.datasets.readers import raw
from fwibench.datasets.readers.expected import Shape, Wanted, check_numbers
from fwibench.datasets.value_checks import look_turned
from fwibench.errors import DataError
from fwibench.files import atomic as files
from fwibench.files.npy import to_float32
from fwibench.samples import evenly_spaced
from fwibench.typing import Array32

FEW = 5
"""Files and maps that are looked at for doubts."""
READERS = {".npy": "npy", ".npz": "npz", ".bin": "raw", ".mat": "mat", ".segy": "segy", ".sgy": "segy"}


class Reader(Protocol):
    """A module that reads one format."""

    def measure(self, path: Path, wanted: Wanted) -> Shape:
        """Shape of what `load` returns, without reading it where the format allows that."""

    def load(self, path: Path, wanted: Wanted) -> NDArray[Any]:
        """The array of maps."""


class Maps:
    """Maps of several files, in their order; `[i]` is `(1, Z, X)` float32 in the size it has in its file.

    Args:
        files: Files of maps.
        wanted: What is expected in them.

    Attributes:
        files: The files.
        sections: Sizes `(Z, X)` of the maps.

    Raises:
        DataError: A file cannot be read or holds something else.
    """

    def __init__(self, files: Sequence[Path], wanted: Wanted) -> None:
        self.files = tuple(files)
        self._wanted = wanted
        shapes = [_measure(path, wanted) for path in self.files]
        self._ends = np.cumsum([wanted.count(path, shape) for path, shape in zip(self.files, shapes, strict=True)])
        turn = 1 if wanted.axes == "zx" else -1
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
        self._wanted.check_values(found, where)
        return (found if self._wanted.axes == "zx" else found.T)[None]

    @cached_property
    def doubts(self) -> tuple[str, ...]:
        """What looks wrong but may be right: maps that are likely to have their axes in the other order."""
        axes = self._wanted.axes
        first, other = ("x", "xz") if axes == "zx" else ("depth", "zx")
        advice = f"if they do, say axes={other}"
        for path in [path for path in self.files if READERS[path.suffix.lower()] == "raw"][:FEW]:
            if reason := raw.doubt_axes(path, self._wanted):
                return (f"{path}: maps seem to have {first} first ({reason}); {advice}",)
        told_by_shape = self._wanted.shapes and all(nz != nx for nz, nx in self.sections)
        numbers = evenly_spaced(len(self), FEW)
        factor = 0.0 if told_by_shape else look_turned([self[int(number)][0] for number in numbers])
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
                array = _reader(path).load(path, self._wanted)
            check_numbers(path, array.dtype)
            self._opened = number, array
        return self._opened[1]


def read_maps(path: Path, wanted: Wanted, patterns: Sequence[str] = ("*",)) -> Maps:
    """Opens a file, or a folder with all below it, of maps.

    Files come in natural order of their names: `model2` before `model10`.

    Args:
        path: A file or a folder.
        wanted: What is expected in the files.
        patterns: Names of the files in a folder; the first pattern that finds any is taken.

    Raises:
        DataError: Nothing is there, or it cannot be read, or it holds something else.
    """
    return Maps(find_files(path, patterns), wanted)


def find_files(path: Path, patterns: Sequence[str] = ("*",)) -> list[Path]:
    """Files of maps at `path`, in natural order; see `read_maps`."""
    path = path.expanduser()
    if path.is_file():
        _reader(path)
        return [path]
    if not path.is_dir():
        raise DataError(f"there is no file or folder {path}", "correct the path")
    for pattern in patterns:
        found = [file for file in path.rglob(pattern) if file.suffix.lower() in READERS and file.name[0] != "."]
        if found:
            return sorted(found, key=natural)
    raise DataError(f"{path} holds no file of maps; expected {', '.join(READERS)}", "name the folder with the maps")


def natural(path: Path) -> tuple[list[tuple[int, str]], str]:
    """Key that sorts numbers in names by value."""
    parts = re.findall(r"\d+|\D+", path.stem)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts], str(path)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turns what a format's library raises into a `DataError` that names the file."""
    with files.reading(path, path.suffix, "the file is cut short, damaged, or of another format; get it anew"):
        yield


def _measure(path: Path, wanted: Wanted) -> Shape:
    with reading(path):
        return _reader(path).measure(path, wanted)


def _reader(path: Path) -> Reader:
    name = READERS.get(path.suffix.lower())
    if name is None:
        raise DataError(f"{path} has the suffix '{path.suffix}', expected {', '.join(READERS)}", "convert it to .npy")
    return cast(Reader, import_module(f"fwibench.datasets.readers.{name}"))
