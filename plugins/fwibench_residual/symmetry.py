"""Surveys that are the same from both ends of the section: a mirrored sample is a sample of the same problem."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from fwibench.problem import Point, Problem, seismic_survey


def is_symmetric(problem: Problem) -> bool:
    """Return whether sources and receivers, mirrored in reverse order, lie within a grid spacing of themselves.

    Args:
        problem: Problem of the data; `(Z, X)` nodes.

    Raises:
        TypeError: The survey is not seismic.
    """
    survey, grid = seismic_survey(problem), problem.grid
    receivers = [survey.receivers_of(shot) for shot in range(len(survey.sources))]
    pairs = [(survey.sources, survey.sources), *zip(receivers, reversed(receivers), strict=True)]
    # positions are not exact, and an odd one may be next to the middle
    limit, length = grid.spacing * (1 + 1e-9), grid.spacing * (grid.nx - 1)
    return all(np.abs(_mirror(one, length) - _places(other)).max() <= limit for one, other in pairs)


def _mirror(points: Sequence[Point], length: float) -> np.ndarray:
    return (_places(points) * (-1, 1) + (length, 0))[::-1]


def _places(points: Sequence[Point]) -> np.ndarray:
    """Return x and depth `(n, 2)` [m]."""
    return np.array([(point.x, point.z) for point in points])
