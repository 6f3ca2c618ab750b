"""Errors of each node, averaged over a map, in physical units."""

from __future__ import annotations

import numpy as np

from fwibench.problem import Problem
from fwibench.typing import Maps, Scores

SEEN = 0.5
"""Illumination from which on a node counts."""


def mae(prediction: Maps, truth: Maps, problem: Problem) -> Scores:
    """Mean absolute error of each sample, in the property's unit (section 4.1.3)."""
    return np.abs(_difference(prediction, truth)).mean(axis=1)


def mse(prediction: Maps, truth: Maps, problem: Problem) -> Scores:
    """Mean squared error of each sample, in the property's unit squared (section 4.1.3)."""
    return np.square(_difference(prediction, truth)).mean(axis=1)


def rmse(prediction: Maps, truth: Maps, problem: Problem) -> Scores:
    """Root of each sample's mean squared error, in the property's unit."""
    return np.sqrt(mse(prediction, truth, problem))


def mae_illuminated(prediction: Maps, truth: Maps, problem: Problem) -> Scores:
    """Mean absolute error of the nodes that the survey sees, in the property's unit.

    Which nodes these are depends on the problem alone: illumination is that of a linear increase over depth between
    the property's bounds (`fwibench.physics.illumination.reference_model`), so it is the same for every method.

    Args:
        prediction: `(n, 1, Z, X)`.
        truth: `(n, 1, Z, X)`.
        problem: Survey, physics and bounds.

    Returns:
        `(n,)`; NaN where the physics is not acoustic, or the survey sees nothing.
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
