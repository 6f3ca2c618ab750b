"""Predictions of a run: `predictions.npz`.

Invariant: one property map for each test sample, with its stable id.
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
    """Predicted property maps of the test samples.

    Attributes:
        ids: Sample ids, `(n,)`.
        maps: Property maps in physical units, `(n, 1, Z, X)`.
    """

    ids: tuple[str, ...]
    maps: Array32


def write_predictions(predictions: Predictions, folder: Path) -> None:
    """Write the predictions of a run into its folder, atomically."""
    with atomic_write(RunFiles(folder).predictions) as stream:
        np.savez(stream, ids=np.array(predictions.ids), prediction=predictions.maps)


def read_predictions(
    folder: Path, expected: tuple[str, ...] | None = None, shape: tuple[int, ...] | None = None
) -> Predictions:
    """Read the predictions of a run; array headers are checked before any map is read.

    Args:
        folder: Folder of the run.
        expected: Sample ids that the predictions must have, in this order; None accepts any.
        shape: Shape `(1, Z, X)` of each map; None accepts any `Z` and `X`.

    Returns:
        The predictions.

    Raises:
        DataError: The file is missing or damaged, or has other samples or another shape.
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
        expected_shape = (*ids.shape, *(shape or (1, *maps.shape[2:4])))
        if len(maps.shape) != 4 or maps.shape != expected_shape or 0 in maps.shape[1:]:
            raise ValueError(f"{ids.shape[0]} samples have maps of shape {maps.shape}, expected {expected_shape}")
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
