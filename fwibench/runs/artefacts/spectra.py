"""Spectra that a method reports, such as singular values: `spectra.json`.

Invariant: a spectrum is a non-negative, non-increasing sequence whose first value is positive.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from fwibench.errors import MethodError
from fwibench.files.atomic import reading, write_text
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.typing import Array64


def write_spectra(spectra: Mapping[str, ArrayLike], folder: Path) -> None:
    """Write the spectra of a run atomically; no file if there are none.

    Raises:
        MethodError: An array is not a valid spectrum.
    """
    content = {}
    for name, values in spectra.items():
        array = np.asarray(values, np.float64)
        if fault := _find_fault(array):
            raise MethodError(f"spectra()['{name}'] {fault}, expected numbers in descending order, the first above 0")
        content[name] = array.tolist()
    if content:
        write_text(RunFiles(folder).spectra, json.dumps(content))


def read_spectra(folder: Path) -> dict[str, Array64]:
    """Read the spectra of a run, by name; empty if it has none.

    Raises:
        DataError: The file cannot be read.
    """
    path = RunFiles(folder).spectra
    if not path.exists():
        return {}
    with reading(path, "spectra", "run the cell again with --force"):
        found = {str(name): np.array(values, np.float64) for name, values in json.loads(path.read_bytes()).items()}
        if fault := next(filter(None, map(_find_fault, found.values())), ""):
            raise ValueError(f"one {fault}")
    return found


def _find_fault(values: Array64) -> str:
    """Return why an array is no spectrum; empty if it is one."""
    if values.ndim != 1 or not len(values):
        return f"has shape {values.shape}"
    if not np.isfinite(values).all():
        return "holds values that are not finite"
    if values[0] <= 0 or values[-1] < 0 or (np.diff(values) > 0).any():
        return "is not in descending order from above 0"
    return ""
