"""`.bin`: little-endian float32 without a header, one map after the other; the size is the problem's."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwibench.datasets.readers.expected import ExpectedMaps, Shape
from fwibench.errors import DataError
from fwibench.typing import Array64

ITEM = 4
CLEARLY = 3.0
"""Smallest factor of a clear difference. Marmousi2, 351 x 1701, is 16 times rougher in the wrong order."""
JUMP = 0.1
"""Smallest jump at the end of a column, from the bottom to the top, as a share of the map's range. A fault that lies
where a column would end makes a smaller jump, or the other order the rougher one."""


def raw_shape(path: Path, expected: ExpectedMaps) -> Shape:
    """Return `(n, Z, X)` by the size of the file: the first of the accepted sizes that divides it.

    Raises:
        DataError: No size divides it.
    """
    size = path.stat().st_size
    if not expected.shapes:
        raise DataError(f"{path} has no header with the size of its maps", "save them as .npy")
    for shape in expected.stored:
        if size and size % (ITEM * math.prod(shape)) == 0:
            return (size // (ITEM * math.prod(shape)), *shape)
    sizes = " or ".join(f"{ITEM * math.prod(shape)} for {shape} float32" for shape in expected.stored)
    raise DataError(
        f"{path}: {size} bytes found, expected a multiple of {sizes}",
        "the file is cut short, or its maps have another size or type",
    )


def load_raw(path: Path, expected: ExpectedMaps) -> NDArray[Any]:
    """Memory-map the maps."""
    return np.memmap(path, np.dtype("<f4"), "r", shape=raw_shape(path, expected))


def doubt_axes(path: Path, expected: ExpectedMaps) -> str:
    """Return why the first map is likely to have its axes in the other order.

    Values jump where a column ends and the next one begins, from the bottom to the top, if columns come one after the
    other; if rows do, they jump where a row ends. Smoothness is not sufficient: the rows of flat layers are
    constant, so they are smooth wherever they are cut.

    Args:
        path: File of maps.
        expected: Sizes and order of the axes that are expected.

    Returns:
        The reason in a few words; empty where there is no sign of it.
    """
    stored = raw_shape(path, expected)[-2:]
    nz, nx = stored if expected.axes == "zx" else stored[::-1]
    if nz == nx:
        return ""
    flat = np.asarray(load_raw(path, expected)[0], np.float64).ravel()
    steps, index = np.abs(np.diff(flat)), np.arange(1, flat.size)
    columns, rows = index % nz == 0, index % nx == 0
    within = steps[~columns & ~rows].mean()
    ends = steps[rows & ~columns if (rows & ~columns).any() else rows]
    row_jump = ends.mean() > CLEARLY * within or np.median(ends) > CLEARLY * np.median(steps[~columns & ~rows])
    # not known where every column would end with a row
    column_jump = steps[columns & ~rows].mean() if (columns & ~rows).any() else None
    depth_first, x_first = _roughness(flat.reshape(nz, nx)), _roughness(flat.reshape(nx, nz))
    if expected.axes == "zx" and depth_first > x_first:
        smoother = f"read so they are {depth_first / max(x_first, 1e-12 * depth_first):.3g} times smoother"
        if column_jump is None:
            return smoother if depth_first > CLEARLY * x_first and not row_jump else ""
        if column_jump > CLEARLY * within and column_jump > JUMP * np.ptp(flat):
            return f"values jump after every {nz}, where a column would end, and {smoother}"
    if expected.axes == "xz" and row_jump and column_jump is not None and column_jump <= CLEARLY * within:
        return f"values jump after every {nx}, where a row would end"
    return ""


def _roughness(section: Array64) -> float:
    """Mean absolute step along both axes."""
    return sum(float(np.abs(np.diff(section, axis=axis)).mean()) for axis in (0, 1))
