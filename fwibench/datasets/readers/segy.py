"""SEG-Y: traces are columns of a map, their samples go down; needs the package segyio."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwibench.datasets.readers.wanted import Shape, Wanted
from fwibench.errors import DataError


def measure(path: Path, wanted: Wanted) -> Shape:
    """`(samples, traces)`."""
    with segyio().open(path, ignore_geometry=True) as file:
        return len(file.samples), file.tracecount


def load(path: Path, wanted: Wanted) -> NDArray[Any]:
    """All traces, `(samples, traces)`."""
    with segyio().open(path, ignore_geometry=True) as file:
        traces: NDArray[np.float32] = file.trace.raw[:]
    return traces.T


def read_shots(path: Path) -> tuple[NDArray[np.float32], float]:
    """Shots `(shots, T, R)` by their field record numbers, and the time step [s]; 0 where the file has none.

    Raises:
        DataError: Shots have different numbers of traces.
    """
    library = segyio()
    with library.open(path, ignore_geometry=True) as file:
        records = file.attributes(library.TraceField.FieldRecord)[:]
        step = library.tools.dt(file, fallback_dt=0.0) / 1e6
        traces = file.trace.raw[:]
    _, counts = np.unique(records, return_counts=True)
    if len(set(counts.tolist())) != 1:
        raise DataError(
            f"{path}: shots (field records, byte 9) have {counts.min()} to {counts.max()} traces, expected one number",
            "pad or cut the shots",
        )
    shots = traces[np.argsort(records, kind="stable")].reshape(len(counts), -1, traces.shape[1])
    return shots.transpose(0, 2, 1), step


def segyio() -> ModuleType:
    """The package.

    Raises:
        DataError: It is not installed.
    """
    try:
        import segyio as library
    except ImportError as error:
        raise DataError("SEG-Y files need the package segyio", "pip install 'fwibench[segy]'") from error
    found: ModuleType = library
    return found
