"""`.npz`: as OpenFWI publishes Kimberlina-CO2, one map a file under the name `label`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from fwibench.datasets.readers.expected import Shape, Wanted
from fwibench.files.npy import read_headers, read_npz


def measure(path: Path, wanted: Wanted) -> Shape:
    """Shape of the array that is meant; reads headers only."""
    arrays = _shapes(path)
    return arrays[wanted.choose(path, arrays)]


def load(path: Path, wanted: Wanted) -> NDArray[Any]:
    """The array that is meant."""
    name = wanted.choose(path, _shapes(path))
    return read_npz(path, [name])[name]


def _shapes(path: Path) -> dict[str, Shape]:
    return {name: header.shape for name, header in read_headers(path).items()}
