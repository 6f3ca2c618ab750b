"""Pictures of what `predict` and `invert` found, without a truth to compare with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fwibench.files.atomic import atomic_write
from fwibench.physics.illumination import has_illumination, illumination
from fwibench.report.pictures import COLUMNS, MapPanel, draw_maps
from fwibench.samples import evenly_spaced
from fwibench.typing import Maps

if TYPE_CHECKING:
    from fwibench.runs.prediction import invert, predict

RECORDS = 2
"""Number of inverted records that are drawn, each with start model and model."""


def draw_predictions(task: predict.Task, maps: Maps, path: Path) -> list[int]:
    """Draw predicted maps of samples that are spread evenly, beside their measurements.

    Args:
        task: What was predicted.
        maps: Predicted maps `(n, 1, Z, X)`.
        path: PNG file.

    Returns:
        The numbers of these samples.
    """
    rows = evenly_spaced(len(maps), COLUMNS)
    shown = task.measurements.array[rows].astype(np.float32)
    seen = illumination(task.problem)[0] if has_illumination(task.problem) else None
    panels = [MapPanel(f"sample {row}", maps[row, 0], one, seen) for row, one in zip(rows, shown, strict=True)]
    _write(draw_maps(panels, task.problem, room=max(len(rows), 2)), path)
    return [int(row) for row in rows]


def draw_inversions(task: invert.Task, outcome: invert.Outcome, path: Path) -> list[int]:
    """Draw start model and model of records that are spread evenly, beside measured and simulated data.

    Args:
        task: What was inverted.
        outcome: Models and data.
        path: PNG file.

    Returns:
        The numbers of these records.
    """
    rows = evenly_spaced(len(outcome.maps), RECORDS)
    panels = []
    for row in rows:
        of = f" of record {row}" if len(outcome.maps) > 1 else ""
        seen = None if outcome.seen is None else outcome.seen[row, 0]
        start = f"start{of}, misfit {outcome.before[row]:.3g}"
        model = f"model{of}, misfit {outcome.after[row]:.3g}"
        measured = task.measurements.array[row].astype(np.float32)
        panels += [
            MapPanel(start, outcome.starts[row, 0], measured, seen, "measured"),
            MapPanel(model, outcome.maps[row, 0], outcome.simulated[row], seen, "simulated"),
        ]
    _write(draw_maps(panels, task.problem), path)
    return [int(row) for row in rows]


def _write(picture: bytes, path: Path) -> None:
    with atomic_write(path) as stream:
        stream.write(picture)
