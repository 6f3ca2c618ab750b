"""Predictions of a run: `predictions.npz`.

Invariant: a map for each test sample, under its stable id.
"""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fwibench.errors import DataError
from fwibench.files import atomic_write

PREDICTIONS = "predictions.npz"


@dataclass(frozen=True)
class Predictions:
    """What a method made of the test samples.

    Attributes:
        ids: Of the samples, `(n,)`.
        maps: In the property's unit, `(n, 1, Z, X)`.
    """

    ids: tuple[str, ...]
    maps: NDArray[np.float32]


def write_predictions(predictions: Predictions, folder: Path) -> None:
    """Writes those of a run, atomically."""
    with atomic_write(folder / PREDICTIONS) as stream:
        np.savez(stream, ids=np.array(predictions.ids), prediction=predictions.maps)


def read_predictions(folder: Path, expected: tuple[str, ...] | None = None) -> Predictions:
    """Reads those of a run.

    Args:
        folder: Of the run.
        expected: Samples that they must be of, in this order; None for any.

    Raises:
        DataError: They are missing or damaged, or of other samples.
    """
    path, again = folder / PREDICTIONS, "run the cell again with --force"
    try:
        with np.load(path) as stored:
            ids, maps = tuple(map(str, stored["ids"])), stored["prediction"]
        if maps.ndim != 4 or len(maps) != len(ids):
            raise ValueError(f"{len(ids)} samples have maps of shape {maps.shape}")
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DataError(f"{path} cannot be read as predictions: {error}", again) from error
    if expected is not None and ids != expected:
        raise DataError(f"{path} holds {len(ids)} samples that are not the {len(expected)} test samples", again)
    return Predictions(ids, maps)
