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
    return read_traces(path).T


def read_traces(path: Path) -> NDArray[np.float32]:
    """All traces in the file's order, `(traces, samples)`."""
    with segyio().open(path, ignore_geometry=True) as file:
        traces: NDArray[np.float32] = file.trace.raw[:]
    return traces


def read_layout(path: Path) -> tuple[int, int, int, float]:
    """Shots, traces of a shot, samples of a trace, and the time step [s]; by the field record numbers.

    Raises:
        DataError: Shots have different numbers of traces.
    """
    library = segyio()
    with library.open(path, ignore_geometry=True) as file:
        records = file.attributes(library.TraceField.FieldRecord)[:]
        step = library.tools.dt(file, fallback_dt=0.0) / 1e6
        samples = len(file.samples)
    _, counts = np.unique(records, return_counts=True)
    if len(set(counts.tolist())) != 1:
        raise DataError(
            f"{path}: shots (field records, byte 9) have {counts.min()} to {counts.max()} traces, expected equal numbers",
            "pad or cut the shots",
        )
    return len(counts), int(counts[0]), samples, step


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
