"""Arrays in `.npy` and `.npz` files of unknown origin.

Invariant: no more memory is allocated than the file has bytes, and nothing is unpickled. A damaged file raises
ValueError, or OSError of the system.
"""

from __future__ import annotations

import math
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from fwibench.errors import DataError
from fwibench.typing import Array32

LARGE = 2**28
"""Size of an unpacked archive above which its compression ratio is checked [bytes]."""
RATIO = 100
"""Largest compression ratio of a large archive. Smooth float32 maps reach about 10; zeros reach 1000."""
Shape = tuple[int, ...]
ZIP_PREFIX = b"PK\x03\x04"
"""First bytes of a zip archive, such as `.npz`."""


class ObjectsError(ValueError):
    """An array holds Python objects, which are not read from files."""


class Header(NamedTuple):
    """Header of an array in a `.npy` file."""

    shape: Shape
    dtype: np.dtype[Any]

    @property
    def nbytes(self) -> int:
        """Size of the values [bytes]."""
        return math.prod(self.shape) * self.dtype.itemsize


def open_npy(path: Path) -> NDArray[Any]:
    """Memory-map the array of a `.npy` file, which must be as long as its header says.

    Raises:
        ValueError: The file is damaged, or holds Python objects.
        OSError: The file cannot be opened.
    """
    with _plain_errors(), path.open("rb") as stream:
        header = _read_header(stream)
        there = path.stat().st_size - stream.tell()
    if there < header.nbytes:
        raise ValueError(f"shape {_text(header.shape)} takes {header.nbytes} bytes, the file has {there}")
    with _plain_errors():
        if not header.nbytes:
            # an empty file cannot be mapped
            return np.empty(header.shape, header.dtype)
        array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
        return array


def open_array(path: Path) -> NDArray[Any]:
    """Memory-map the array of a `.npy` file that a user named; see `open_npy`.

    Raises:
        DataError: The file is absent, damaged, of another format, or holds Python objects.
    """
    if not path.is_file():
        raise DataError(f"{path} does not exist" if not path.exists() else f"{path} is a folder, expected a .npy file")
    try:
        with path.open("rb") as stream:
            start = stream.read(len(npy_format.MAGIC_PREFIX))
        if start.startswith(ZIP_PREFIX):
            raise DataError(f"{path} is an archive (.npz), expected one array (.npy)", "numpy.save one of its arrays")
        if start != npy_format.MAGIC_PREFIX:
            raise DataError(f"{path} is no .npy file", "write it with numpy.save(path, array)")
        return open_npy(path)
    except ObjectsError as error:
        raise DataError(
            f"{path} holds Python objects, which are not read from files, expected numbers: float32",
            "save it as numpy.stack(list(array)).astype('float32')",
        ) from error
    except (ValueError, OSError) as error:
        raise DataError(
            f"{path} is not a whole .npy file: {error}", "get or write it again; compare its size with the original"
        ) from error


def read_headers(path: Path) -> dict[str, Header]:
    """Return the headers of the arrays in a `.npz` archive, by name; their values are not read.

    Raises:
        ValueError: The archive is damaged, an array is shorter than its header says, or it unpacks to far more bytes.
        OSError: The archive cannot be opened.
    """
    found = {}
    with _plain_errors(), zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        check_unpacked(sum(one.file_size for one in members), path.stat().st_size)
        for member in members:
            with archive.open(member) as stream:
                found[member.filename.removesuffix(".npy")] = _whole(member.filename, stream, member.file_size)
    return found


def read_header(stream: IO[bytes], size: int) -> Header:
    """Return the header of the array of an open `.npy` file, which must be as long as it says.

    Args:
        stream: The file, at its start.
        size: Its size [bytes].

    Raises:
        ValueError: The file is damaged, or holds Python objects.
    """
    with _plain_errors():
        return _whole("the array", stream, size)


def _whole(name: str, stream: IO[bytes], size: int) -> Header:
    header = _read_header(stream)
    if (there := size - stream.tell()) != header.nbytes:
        raise ValueError(f"{name}: shape {_text(header.shape)} takes {header.nbytes} bytes, it has {there}")
    return header


def read_npz(
    path: Path, names: Iterable[str] | None = None, check: Callable[[dict[str, Header]], None] | None = None
) -> dict[str, NDArray[Any]]:
    """Read arrays of a `.npz` archive.

    Args:
        path: The archive.
        names: Names of the arrays; None for all.
        check: Called with all headers before values are read; raises ValueError for unexpected ones.

    Raises:
        ValueError: An array is absent, or see `read_headers`.
        OSError: The archive cannot be opened.
    """
    headers = read_headers(path)
    if check is not None:
        check(headers)
    selected = list(headers if names is None else names)
    for name in selected:
        if name not in headers:
            raise ValueError(f"it has no array {name}, it holds {', '.join(headers) or 'none'}")
    with _plain_errors(), np.load(path, allow_pickle=False) as content:
        return {name: content[name] for name in selected}


def to_float32(values: Any) -> Array32:
    """Return values as float32 without warnings: values beyond its range become infinite, and NaN stays NaN."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.asarray(values, np.float32)


def check_unpacked(unpacked: int, packed: int) -> None:
    """Raise `ValueError` for a large archive whose compression ratio is above `RATIO`."""
    if unpacked > LARGE and unpacked > RATIO * packed:
        raise ValueError(f"{packed} bytes would unpack to {unpacked}, more than {RATIO} times as many")


def _read_header(stream: IO[bytes]) -> Header:
    version = npy_format.read_magic(stream)
    if version not in ((1, 0), (2, 0), (3, 0)):
        raise ValueError(f"format version {version[0]}.{version[1]} is not known")
    # version 3 differs from 2 in the encoding of the names of structured types, which are not read anyway
    read = npy_format.read_array_header_1_0 if version == (1, 0) else npy_format.read_array_header_2_0
    shape, _, dtype = read(stream)
    if dtype.hasobject:
        raise ObjectsError("it holds Python objects, which are not read from files")
    if any(length < 0 for length in shape) or len(shape) > 32:
        raise ValueError(f"there is no array of shape {_text(shape)}")
    return Header(shape, dtype)


def _text(shape: Shape) -> str:
    return str(shape) if len(shape) <= 6 else f"of {len(shape)} axes"


@contextmanager
def _plain_errors() -> Iterator[None]:
    """Turn errors of damaged files into ValueError: those of zipfile, zlib, lzma, ast, memory and recursion."""
    try:
        yield
    except (ValueError, OSError):
        raise
    except Exception as error:
        raise ValueError(" ".join(str(error).split()) or type(error).__name__) from error
