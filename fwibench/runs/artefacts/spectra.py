"""Spectra of a run, such as singular values of a matrix that the method solved for: `spectra.json`.

Invariant: a spectrum holds finite numbers of at least 0 in descending order, and the first is above 0.
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
    """Write the spectra of a run atomically; without spectra nothing is written.

    Args:
        spectra: Spectra by name.
        folder: Folder of the run.

    Raises:
        MethodError: A value is not a spectrum.
    """
    content = {}
    for name, values in spectra.items():
        array = np.asarray(values, np.float64)
        if fault := _fault(array):
            raise MethodError(f"spectra()['{name}'] {fault}, expected numbers in descending order, the first above 0")
        content[name] = array.tolist()
    if content:
        write_text(RunFiles(folder).spectra, json.dumps(content))


def read_spectra(folder: Path) -> dict[str, Array64]:
    """Return the spectra of a run by name; empty if it has none.

    Raises:
        DataError: The file cannot be read.
    """
    path = RunFiles(folder).spectra
    if not path.exists():
        return {}
    with reading(path, "spectra", "run the cell again with --force"):
        found = {str(name): np.array(values, np.float64) for name, values in json.loads(path.read_bytes()).items()}
        if fault := next(filter(None, map(_fault, found.values())), ""):
            raise ValueError(f"a spectrum {fault}")
    return found


def _fault(values: Array64) -> str:
    """Return why values are not a spectrum; empty if they are."""
    if values.ndim != 1 or not len(values):
        return f"has shape {values.shape}"
    if not np.isfinite(values).all():
        return "holds values that are not finite"
    if values[0] <= 0 or values[-1] < 0 or (np.diff(values) > 0).any():
        return "is not in descending order from above 0"
    return ""
