"""`.npy`: memory-mapped, nothing is read before it is indexed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwibench.datasets.readers.wanted import Shape, Wanted


def measure(path: Path, wanted: Wanted) -> Shape:
    """Shape of the array; checks that the file is as long as its header says."""
    return load(path, wanted).shape


def load(path: Path, wanted: Wanted) -> NDArray[Any]:
    """The array, mapped."""
    found: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
    return found
