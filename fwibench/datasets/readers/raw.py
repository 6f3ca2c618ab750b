"""`.bin`: little-endian float32 without a header, one map after the other; the size is the problem's."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwibench.datasets.readers.wanted import Shape, Wanted
from fwibench.errors import DataError

ITEM = 4


def measure(path: Path, wanted: Wanted) -> Shape:
    """`(n, Z, X)` by the file's size: of the sizes that are accepted, the first that divides it."""
    size = path.stat().st_size
    if not wanted.shapes:
        raise DataError(f"{path} has no header that tells the size of its maps", "save them as .npy")
    for shape in wanted.stored:
        if size and size % (ITEM * math.prod(shape)) == 0:
            return (size // (ITEM * math.prod(shape)), *shape)
    expected = " or ".join(f"{ITEM * math.prod(shape)} for {shape} float32" for shape in wanted.stored)
    raise DataError(
        f"{path}: {size} bytes found, expected a multiple of {expected}",
        "the file is cut short, or its maps have another size or type",
    )


def load(path: Path, wanted: Wanted) -> NDArray[Any]:
    """The maps, mapped."""
    return np.memmap(path, np.dtype("<f4"), "r", shape=measure(path, wanted))
