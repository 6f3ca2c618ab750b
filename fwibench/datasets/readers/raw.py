"""`.bin`: little-endian float32 without a header, one map after the other; the size is the problem's."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwibench.datasets.readers.expected import Shape, Wanted
from fwibench.errors import DataError
from fwibench.typing import Array64

ITEM = 4
CLEARLY = 3.0
"""Factor that counts as clear. Marmousi2, 351 x 1701, is 16 times rougher in the wrong order."""
JUMP = 0.1
"""Least jump at the end of a column, as a share of the map's range, since it goes from the bottom to the top. A fault
that stands by chance where a column would end is smaller, or makes the other order the rougher one."""


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


def doubt_axes(path: Path, wanted: Wanted) -> str:
    """Say why the first map is likely to have its axes in the other order.

    Values jump where a column ends and the next one begins, from the bottom to the top, if columns come one after the
    other; if rows do, they jump where a row ends. Smoothness alone would not tell: the rows of flat layers are
    constant, so they look smooth wherever they are cut.

    Args:
        path: A file of maps.
        wanted: What is expected in it.

    Returns:
        The reason in a few words; empty where nothing is to be doubted.
    """
    stored = measure(path, wanted)[-2:]
    nz, nx = stored if wanted.axes == "zx" else stored[::-1]
    if nz == nx:
        return ""
    flat = np.asarray(load(path, wanted)[0], np.float64).ravel()
    steps, places = np.abs(np.diff(flat)), np.arange(1, flat.size)
    columns, rows = places % nz == 0, places % nx == 0
    within = steps[~columns & ~rows].mean()
    ends = steps[rows & ~columns if (rows & ~columns).any() else rows]
    row_jump = ends.mean() > CLEARLY * within or np.median(ends) > CLEARLY * np.median(steps[~columns & ~rows])
    # not known where every column would end with a row
    column_jump = steps[columns & ~rows].mean() if (columns & ~rows).any() else None
    depth_first, x_first = _roughness(flat.reshape(nz, nx)), _roughness(flat.reshape(nx, nz))
    if wanted.axes == "zx" and depth_first > x_first:
        smoother = f"read so they are {depth_first / max(x_first, 1e-12 * depth_first):.3g} times smoother"
        if column_jump is None:
            return smoother if depth_first > CLEARLY * x_first and not row_jump else ""
        if column_jump > CLEARLY * within and column_jump > JUMP * np.ptp(flat):
            return f"values jump after every {nz}, where a column would end, and {smoother}"
    if wanted.axes == "xz" and row_jump and column_jump is not None and column_jump <= CLEARLY * within:
        return f"values jump after every {nx}, where a row would end"
    return ""


def _roughness(section: Array64) -> float:
    """Mean absolute step along both axes."""
    return sum(float(np.abs(np.diff(section, axis=axis)).mean()) for axis in (0, 1))
