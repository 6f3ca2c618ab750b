"""`.mat`: MATLAB files up to version 7.2, as Yang and Ma publish their salt maps."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from fwibench.datasets.readers.expected import Shape, Wanted
from fwibench.errors import DataError
from fwibench.files.npy import check_unpacked


def measure(path: Path, wanted: Wanted) -> Shape:
    """Shape of the variable that is meant; reads headers only."""
    arrays = _shapes(path)
    return arrays[wanted.choose(path, arrays)]


def load(path: Path, wanted: Wanted) -> NDArray[Any]:
    """The variable that is meant."""
    from scipy.io import loadmat

    name = wanted.choose(path, _shapes(path))
    found: NDArray[Any] = loadmat(path, variable_names=[name])[name]
    return found


def _shapes(path: Path) -> dict[str, Shape]:
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
