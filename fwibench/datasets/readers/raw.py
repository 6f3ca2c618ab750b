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
CLEARLY = 3.0
"""Factor that counts as clear. Marmousi2, 351 x 1701, is 16 times rougher in the wrong order."""
JUMP = 0.1
"""Least jump at the end of a row, as a share of the map's range. A column ends at depth and the next begins at the
surface; a fault that stands by chance where a row of the other order would end is smaller or makes that one rougher."""


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


def smoother_otherwise(path: Path, wanted: Wanted) -> float:
    """Say whether maps look as if their axes were in the other order.

    In the right order neighbours are alike, and jumps stand where rows end: from the bottom of a column to the top of
    the next one, if columns come one after the other. Likeness alone would not do: rows of flat layers are constant,
    so cutting them elsewhere makes them look smooth too.

    Args:
        path: A file of maps.
        wanted: What is expected in it.

    Returns:
        By what factor the first map is smoother in the other order; 0 where nothing is to be doubted.
    """
    rows, length = measure(path, wanted)[-2:]
    flat = np.asarray(load(path, wanted)[0], np.float64).ravel()
    ours, other = _roughness(flat.reshape(rows, length)), _roughness(flat.reshape(length, rows))
    if rows == length or not ours > other:
        return 0.0
    factor = ours / max(other, 1e-12 * ours)
    steps, places = np.abs(np.diff(flat)), np.arange(1, flat.size)
    ends, other_ends = places % length == 0, places % rows == 0
    within = steps[~ends & ~other_ends].mean()
    if (alone := other_ends & ~ends).any():
        jump = steps[alone].mean()
        doubtful = jump > CLEARLY * within and jump > JUMP * np.ptp(flat)
    else:
        doubtful = factor > CLEARLY and steps[ends & ~other_ends].mean() <= CLEARLY * within
    return factor if doubtful else 0.0


def _roughness(section: NDArray[np.float64]) -> float:
    """Mean absolute step along both axes."""
    return sum(float(np.abs(np.diff(section, axis=axis)).mean()) for axis in (0, 1))
