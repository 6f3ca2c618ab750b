"""`.npz`: as OpenFWI publishes Kimberlina-CO2, one map a file under the name `label`."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib import format as npy_format
from numpy.typing import NDArray

from fwibench.datasets.readers.wanted import Shape, Wanted


def measure(path: Path, wanted: Wanted) -> Shape:
    """Shape of the array that is meant; reads headers only."""
    arrays = _shapes(path)
    return arrays[wanted.choose(path, arrays)]


def load(path: Path, wanted: Wanted) -> NDArray[Any]:
    """The array that is meant."""
    with np.load(path, allow_pickle=False) as content:
        found: NDArray[Any] = content[wanted.choose(path, _shapes(path))]
    return found


def _shapes(path: Path) -> dict[str, Shape]:
    found = {}
    with zipfile.ZipFile(path) as archive:
        for member in archive.namelist():
            with archive.open(member) as stream:
                version = npy_format.read_magic(stream)
                read = npy_format.read_array_header_1_0 if version == (1, 0) else npy_format.read_array_header_2_0
                found[member.removesuffix(".npy")] = read(stream)[0]
    return found
