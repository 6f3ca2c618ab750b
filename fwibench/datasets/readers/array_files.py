"""Maps in `.npy`, `.npz` and `.mat` files.

Yang and Ma publish their salt maps as `.mat` files up to version 7.2, OpenFWI publishes Kimberlina-CO2 as `.npz` files
with one map under the name `label`. Shapes are read from headers.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from fwibench.datasets.readers.expected import ExpectedMaps, Shape
from fwibench.errors import DataError
from fwibench.files.npy import check_unpacked, open_npy, read_headers, read_npz


def npy_shape(path: Path, expected: ExpectedMaps) -> Shape:
    """Return the shape of the array; checks that the file is as long as its header says."""
    return open_npy(path).shape


def load_npy(path: Path, expected: ExpectedMaps) -> NDArray[Any]:
    """Memory-map the array."""
    return open_npy(path)


def npz_shape(path: Path, expected: ExpectedMaps) -> Shape:
    """Return the shape of the array of maps."""
    shapes = _npz_shapes(path)
    return shapes[expected.choose(path, shapes)]


def load_npz(path: Path, expected: ExpectedMaps) -> NDArray[Any]:
    """Read the array of maps."""
    name = expected.choose(path, _npz_shapes(path))
    return read_npz(path, [name])[name]


def mat_shape(path: Path, expected: ExpectedMaps) -> Shape:
    """Return the shape of the variable of maps."""
    shapes = _mat_shapes(path)
    return shapes[expected.choose(path, shapes)]


def load_mat(path: Path, expected: ExpectedMaps) -> NDArray[Any]:
    """Read the variable of maps."""
    from scipy.io import loadmat

    name = expected.choose(path, _mat_shapes(path))
    found: NDArray[Any] = loadmat(path, variable_names=[name])[name]
    return found


def _npz_shapes(path: Path) -> dict[str, Shape]:
    return {name: header.shape for name, header in read_headers(path).items()}


def _mat_shapes(path: Path) -> dict[str, Shape]:
    from scipy.io import whosmat

    try:
        found = {name: tuple(shape) for name, shape, _ in whosmat(path)}
    except NotImplementedError as error:
        raise DataError(
            f"{path} is a MATLAB 7.3 file (HDF5), which is not read here",
            "in MATLAB: save(..., '-v7'); or read it with h5py and save it as .npy",
        ) from error
    # MATLAB computes in double precision
    check_unpacked(8 * sum(map(math.prod, found.values())), path.stat().st_size)
    return found
