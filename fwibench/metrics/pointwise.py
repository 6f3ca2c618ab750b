"""Mean errors of the nodes of a map, in physical units."""

from __future__ import annotations

import numpy as np

from fwibench.problem import Problem
from fwibench.typing import Maps, Scores

SEEN = 0.5
"""Smallest illumination of the nodes that `mae_illuminated` averages."""


def mae(prediction: Maps, truth: Maps, problem: Problem) -> Scores:
    """Return the mean absolute error of each sample, in the property's unit (InvLINT, section 4.1.3).

    Args:
        prediction: Predicted maps `(n, 1, Z, X)` in physical units.
        truth: True maps of the same shape.
        problem: Not used.

    Returns:
        Scores `(n,)`.
    """
    return np.abs(_difference(prediction, truth)).mean(axis=1)


def mse(prediction: Maps, truth: Maps, problem: Problem) -> Scores:
    """Return the mean squared error of each sample, in the property's unit squared (InvLINT, section 4.1.3).

    Args:
        prediction: See `mae`.
        truth: See `mae`.
        problem: See `mae`.
    """
    return np.square(_difference(prediction, truth)).mean(axis=1)


def rmse(prediction: Maps, truth: Maps, problem: Problem) -> Scores:
    """Return the root mean squared error of each sample, in the property's unit.

    Args:
        prediction: See `mae`.
        truth: See `mae`.
        problem: See `mae`.
    """
    return np.sqrt(mse(prediction, truth, problem))


def mae_normalised(prediction: Maps, truth: Maps, problem: Problem) -> Scores:
    """Return the mean absolute error of each sample with maps scaled to [-1, 1], as OpenFWI's `test.py` prints it.

    Args:
        prediction: See `mae`.
        truth: See `mae`.
        problem: Problem with the bounds of the property, 1500 and 4500 m/s in OpenFWI.
    """
    return mae(prediction, truth, problem) * _scale(problem)


def rmse_normalised(prediction: Maps, truth: Maps, problem: Problem) -> Scores:
    """Return the root mean squared error of each sample with maps scaled to [-1, 1], as OpenFWI's tables have it.

    Args:
        prediction: See `mae`.
        truth: See `mae`.
        problem: See `mae_normalised`.
    """
    return rmse(prediction, truth, problem) * _scale(problem)


def _scale(problem: Problem) -> float:
    """Return the factor from differences in physical units to those of maps on [-1, 1]."""
    return 2 / (problem.property.high - problem.property.low)


def mae_illuminated(prediction: Maps, truth: Maps, problem: Problem) -> Scores:
    """Return the mean absolute error of the illuminated nodes of each sample, in the property's unit.

    The illumination is that of `fwibench.physics.illumination.reference_model`, so the nodes depend on the problem
    alone and are the same for every method.

    Args:
        prediction: Predicted maps `(n, 1, Z, X)` in physical units.
        truth: True maps of the same shape.
        problem: Acoustic problem.

    Returns:
        Scores `(n,)`; NaN where the physics is not acoustic or no node is illuminated.
    """
    from fwibench.physics.illumination import has_illumination, illumination

    if not has_illumination(problem):
        return np.full(len(truth), np.nan)
    seen = illumination(problem)[0] > SEEN
    if not seen.any():
        return np.full(len(truth), np.nan)
    return np.abs(prediction.astype(np.float64) - truth)[:, 0, seen].mean(axis=1)


def _difference(prediction: Maps, truth: Maps) -> Scores:
    return (prediction.astype(np.float64) - truth).reshape(len(truth), -1)
