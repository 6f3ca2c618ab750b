"""Errors where the survey sees the section."""

from __future__ import annotations

import numpy as np

from fwibench.problem import Problem
from fwibench.typing import Array64, Maps

SEEN = 0.5
"""Illumination from which on a node counts."""


def mae_illuminated(prediction: Maps, truth: Maps, problem: Problem) -> Array64:
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
