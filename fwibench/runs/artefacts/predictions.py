"""Predictions of a run: `predictions.npz`.

Invariant: a map for each test sample, under its stable id.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fwibench.errors import DataError
from fwibench.files.atomic import atomic_write, reading
from fwibench.files.npy import Header, read_npz
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.typing import Array32


@dataclass(frozen=True)
class Predictions:
    """What a method made of the test samples.

    Attributes:
        ids: Of the samples, `(n,)`.
        maps: In the property's unit, `(n, 1, Z, X)`.
    """

    ids: tuple[str, ...]
    maps: Array32


def write_predictions(predictions: Predictions, folder: Path) -> None:
    """Writes those of a run, atomically."""
    with atomic_write(RunFiles(folder).predictions) as stream:
        np.savez(stream, ids=np.array(predictions.ids), prediction=predictions.maps)


def read_predictions(
    folder: Path, expected: tuple[str, ...] | None = None, shape: tuple[int, ...] | None = None
) -> Predictions:
    """Reads those of a run; headers are checked before any map is read.

    Args:
        folder: Of the run.
        expected: Samples that they must be of, in this order; None for any.
        shape: `(1, Z, X)` of each map; None for any `Z` and `X`.

    Raises:
        DataError: They are missing or damaged, or of other samples or another shape.
    """
    path, again = RunFiles(folder).predictions, "run the cell again with --force"

    def check(headers: dict[str, Header]) -> None:
        ids, maps = (headers.get(name) for name in ("ids", "prediction"))
        if ids is None or maps is None:
            raise ValueError(f"it holds {', '.join(headers) or 'nothing'}, expected ids and prediction")
        if ids.dtype.kind != "U" or len(ids.shape) != 1:
            raise ValueError(f"its ids are {ids.dtype} of shape {ids.shape}, expected names")
        if maps.dtype.kind != "f":
            raise ValueError(f"its maps are {maps.dtype}, expected float32")
        wanted = shape or (1, *maps.shape[2:4])
        right = (*ids.shape, *wanted)
        if len(maps.shape) != 4 or maps.shape != right or 0 in maps.shape[1:]:
            raise ValueError(f"{ids.shape[0]} samples have maps of shape {maps.shape}, expected {right}")
        if expected is not None and len(expected) != ids.shape[0]:
            raise DataError(f"{path} holds {ids.shape[0]} samples that are not the {len(expected)} test samples", again)

    with reading(path, "predictions", again):
        stored = read_npz(path, ("ids", "prediction"), check)
        if not np.isfinite(stored["prediction"]).all():
            raise ValueError("its maps hold values that are not finite")
    ids, maps = tuple(map(str, stored["ids"])), stored["prediction"]
    if expected is not None and ids != expected:
        raise DataError(f"{path} holds {len(ids)} samples that are not the {len(expected)} test samples", again)
    return Predictions(ids, maps)
