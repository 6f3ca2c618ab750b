"""SEG-Y: traces are columns of a map, their samples go down; needs the package segyio."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwibench.datasets.readers.expected import ExpectedMaps, Shape
from fwibench.datasets.readers.segy_headers import DEAD, Headers, opened, read_headers
from fwibench.errors import DataError
from fwibench.typing import Array32, Array64, Indices


@dataclass(frozen=True)
class SegyMap:
    """A map with the coordinates of its columns.

    Attributes:
        values: `(Z, X)`, columns in the order of x.
        columns: X and Y of each column [m], `(X, 2)`; empty `(0, 2)` where the headers have none.
        depth_step: Sample interval of the headers over 1000: metres where a depth interval is in millimetres; 0 where
            it is not filled in.
        notes: Notes on what was used and assumed.
    """

    values: Array32
    columns: Array64
    depth_step: float
    notes: tuple[str, ...]


def segy_shape(path: Path, expected: ExpectedMaps) -> Shape:
    """Return `(samples, traces)`."""
    with opened(path) as file:
        return len(file.samples), file.tracecount


def load_segy(path: Path, expected: ExpectedMaps) -> NDArray[Any]:
    """Read all traces, `(samples, traces)`; see `read_map`."""
    return read_map(path).values


def read_map(path: Path) -> SegyMap:
    """Read a map.

    Args:
        path: A SEG-Y file; its traces are the columns.

    Raises:
        DataError: A column is marked as dead.
        ValueError: The file cannot be read; see `opened`.
    """
    with opened(path) as file:
        headers = read_headers(file, path)
        traces: Array32 = np.asarray(file.trace.raw[:], np.float32)
    if (dead := np.flatnonzero(np.isin(headers.code, DEAD))).size:
        raise DataError(
            f"{path}: {dead.size} of {len(headers)} traces are marked as dead (byte 29), the first is trace "
            f"{dead[0] + 1}; a map needs all its columns",
            "interpolate them, or correct their codes to 1",
        )
    order, notes = _column_order(headers)
    binary, each = headers.intervals
    step = (binary or each or (0,))[0] / 1e3
    columns = headers.cdp[order] if np.ptp(headers.cdp, axis=0).any() else headers.cdp[:0]
    return SegyMap(traces[order].T, columns, step, (*headers.notes, *notes))


def _column_order(headers: Headers) -> tuple[Indices, list[str]]:
    """Order of the traces by position along the line, or else by trace number; else that of the file.

    A file that runs from the largest to the smallest position keeps its order.
    """
    axis = int(np.argmax(np.ptp(headers.cdp, axis=0)))
    kinds = (
        (headers.cdp[:, axis], f"CDP_{'XY'[axis]} (byte {(181, 185)[axis]})"),
        (headers.number, "number (byte 13)"),
    )
    for values, name in kinds:
        if len(np.unique(values)) == len(values) > 1:
            steps = np.diff(values)
            if (steps > 0).all() or (steps < 0).all():
                break
            return np.argsort(values, kind="stable"), [f"columns of maps are sorted by {name}"]
    return np.arange(len(headers)), []
