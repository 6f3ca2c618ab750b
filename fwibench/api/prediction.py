"""Predictions of new measurements by an evaluated model."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fwibench.api.catalogue import open_registry
from fwibench.runs.prediction.measurements import inspect_values, take_measurements
from fwibench.runs.prediction.predict import doubt_maps, make_task, predict, predict_chunks
from fwibench.typing import Array32, Maps

if TYPE_CHECKING:
    from fwibench.methods.base import Method


def predict_by_run(folder: Path, measurements: Array32, device: str) -> Maps:
    """Predict with the model of a finished run; what is doubtful about the input or the result is a warning.

    Args:
        folder: Folder of the run.
        measurements: `(n, S, T, R)`, raw amplitudes.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.

    Returns:
        Maps in the unit of the property, `(n, 1, Z, X)`.
    """
    registry = open_registry()
    task = make_task(folder, np.asarray(measurements), registry)
    maps = predict(task, registry, device)
    _warn([*task.warnings, *doubt_maps(maps, task.problem)])
    return maps


def predict_by_method(method: Method, measurements: Array32) -> Maps:
    """Predict with a method of this process, after the same checks.

    Args:
        method: Ready to predict.
        measurements: `(n, S, T, R)`, raw amplitudes.

    Returns:
        Maps in the unit of the property, `(n, 1, Z, X)`.
    """
    problem = method.problem
    taken = take_measurements(np.asarray(measurements), "the array of measurements", problem)
    doubts = inspect_values(taken, problem)
    maps = predict_chunks(method, taken)
    _warn([*doubts, *doubt_maps(maps, problem)])
    return maps


def _warn(lines: list[str]) -> None:
    for line in lines:
        warnings.warn(line, stacklevel=4)
