"""`.npy`: memory-mapped, nothing is read before it is indexed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from fwibench.datasets.readers.expected import Shape, Wanted
from fwibench.files.npy import open_npy


def measure(path: Path, wanted: Wanted) -> Shape:
    """Shape of the array; checks that the file is as long as its header says."""
    return load(path, wanted).shape


def load(path: Path, wanted: Wanted) -> NDArray[Any]:
    """The array, mapped."""
    return open_npy(path)
