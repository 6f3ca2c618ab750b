"""Files of predictions that were made elsewhere: `.npy`, `.npz`, HDF5 and Zarr.

A file with several arrays holds the maps, `ids` with the id of each map, and `fingerprint` of the dataset; the last two
are optional, and HDF5 and Zarr may have the fingerprint as an attribute.

Invariant: nothing is unpickled, and shapes are checked before maps are read.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwibench.datasets.readers.expected import ExpectedMaps, Shape, check_numbers
from fwibench.errors import DataError, UsageError
from fwibench.files.atomic import reading
from fwibench.files.npy import open_array, read_headers, read_npz, to_float32
from fwibench.problem import Problem
from fwibench.typing import Maps

IDS, FINGERPRINT = "ids", "fingerprint"


@dataclass(frozen=True)
class Given:
    """Predictions as they were handed over.

    Attributes:
        maps: Maps `(n, 1, Z, X)`, in the order of the file.
        ids: Id of the sample of each map; None if the file has none.
        fingerprint: Fingerprint of the dataset that they are of; empty if the file has none.
        file: Name of the file, for messages and the record.
    """

    maps: Maps
    ids: tuple[str, ...] | None = None
    fingerprint: str = ""
    file: str = "the array of predictions"


@dataclass(frozen=True)
class _Content:
    """Arrays of an open file.

    Attributes:
        shapes: Shape of each array, by name.
        read: Reads the array of a name.
        attributes: Attributes of the file.
    """

    shapes: Mapping[str, Shape]
    read: Callable[[str], NDArray[Any]]
    attributes: Mapping[str, Any]


def read_given(path: Path, problem: Problem) -> Given:
    """Read a file of predictions.

    Args:
        path: The file, or the folder of a Zarr store; its suffix says the format.
        problem: Problem of the dataset.

    Raises:
        UsageError: The suffix is unknown, or the package that reads the format is not installed.
        DataError: The file is absent or damaged, or holds something else.
    """
    open_content = READERS.get(path.suffix.lower())
    if open_content is None:
        raise UsageError(f"{path} has the suffix '{path.suffix}', expected {', '.join(READERS)}", "numpy.savez writes")
    if not path.exists():
        raise DataError(f"{path} does not exist", "correct the path")
    with reading(path, "predictions", "write or get the file again"), open_content(path) as content:
        name = _choose(path, content.shapes, problem)
        maps = content.read(name)
        ids = content.read(IDS) if IDS in content.shapes else None
        stated = content.read(FINGERPRINT) if FINGERPRINT in content.shapes else content.attributes.get(FINGERPRINT, "")
    return take_given(maps, None if ids is None else list(ids.reshape(-1)), stated, str(path), problem)


def take_given(maps: NDArray[Any], ids: Sequence[Any] | None, fingerprint: Any, file: str, problem: Problem) -> Given:
    """Check types and shapes of predictions.

    Args:
        maps: Maps `(n, 1, Z, X)`, `(n, Z, X)` or `(Z, X)`.
        ids: Ids of their samples; None for the order of the split.
        fingerprint: Fingerprint of the dataset; empty if unknown.
        file: Name of the file, for messages.
        problem: Problem of the dataset.

    Raises:
        DataError: The maps have another shape or are no real numbers, or the ids are no names or of another number.
    """
    _choose(Path(file), {"": maps.shape}, problem)
    check_numbers(Path(file), maps.dtype)
    whole = to_float32(maps).reshape(-1, *problem.property_shape)
    if ids is not None and len(ids) != len(whole):
        raise DataError(f"{file} holds {len(whole)} maps and {len(ids)} ids", "store the id of each map")
    names = None if ids is None else tuple(_text(one, file, IDS) for one in ids)
    return Given(whole, names, _text(np.asarray(fingerprint).reshape(-1)[0], file, FINGERPRINT), file)


def _choose(path: Path, shapes: Mapping[str, Shape], problem: Problem) -> str:
    """Return the name of the array of maps, whose shape is checked."""
    expected = ExpectedMaps(shapes=(problem.grid.shape,))
    turned = ExpectedMaps(shapes=(problem.grid.shape[::-1],))
    if not any(map(expected.fits, shapes.values())) and any(map(turned.fits, shapes.values())):
        raise DataError(
            f"{path}: maps of {problem.grid.shape[::-1]} found, expected {problem.grid.shape} (depth, x): they are "
            "transposed",
            "swap the last two axes: maps.swapaxes(-1, -2)",
        )
    name = expected.choose(path, shapes)
    expected.count(path, shapes[name])
    return name


def _text(value: Any, file: str, what: str) -> str:
    """Return a text of a file, which may be stored as bytes."""
    if isinstance(value, bytes):
        return value.decode()
    if not isinstance(value, str):
        raise DataError(f"{file}: {what} hold {type(value).__name__}, expected names", "store them as texts")
    return str(value)


@contextmanager
def _npy(path: Path) -> Iterator[_Content]:
    array = open_array(path)
    yield _Content({"": array.shape}, lambda name: array, {})


@contextmanager
def _npz(path: Path) -> Iterator[_Content]:
    shapes = {name: header.shape for name, header in read_headers(path).items()}
    yield _Content(shapes, lambda name: read_npz(path, [name])[name], {})


@contextmanager
def _hdf5(path: Path) -> Iterator[_Content]:
    _need("h5py", path)
    import h5py

    with h5py.File(path, "r") as file:
        arrays = {name: one for name, one in file.items() if isinstance(one, h5py.Dataset)}
        # an array without axes has no slices
        yield _Content(_shapes(arrays), lambda name: np.asarray(arrays[name][()]), dict(file.attrs))


@contextmanager
def _zarr(path: Path) -> Iterator[_Content]:
    _need("zarr", path)
    import zarr

    store = zarr.open(str(path), mode="r")
    arrays = dict(store.arrays()) if isinstance(store, zarr.Group) else {"": store}
    yield _Content(_shapes(arrays), lambda name: np.asarray(arrays[name][...]), dict(store.attrs))


def _shapes(arrays: Mapping[str, Any]) -> dict[str, Shape]:
    return {name: tuple(one.shape) for name, one in arrays.items()}


def _need(package: str, path: Path) -> None:
    """Raise `UsageError` unless an optional package is installed."""
    if importlib.util.find_spec(package) is None:
        extra = "hdf5" if package == "h5py" else package
        raise UsageError(
            f"{path} needs {package}, which is not installed",
            f"pip install 'fwibench[{extra}]', or store the predictions with numpy.savez",
        )


READERS: dict[str, Callable[[Path], Any]] = {
    ".npy": _npy,
    ".npz": _npz,
    ".h5": _hdf5,
    ".hdf5": _hdf5,
    ".zarr": _zarr,
}
"""Functions that open a file, by suffix."""
