"""Start models of inversions.

Invariant: on the track `standard` a start model comes from the train split, from the measurement itself or from a file
of the user. A smoothed truth is used on the track `oracle-start` only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.optimize import minimize

from fwibench.errors import DataError, ProblemError
from fwibench.files.npy import open_array
from fwibench.problem import Problem
from fwibench.typing import Maps

Misfit = Callable[[Maps], float]
"""Misfit of a model `(1, Z, X)`."""

LEVELS = 7
"""Number of top values, and of increases, on the coarse grid of a search for a linear increase."""
MODERATE = 0.5
"""Largest increase over the section, as a share of the property's range, of the second starting point of the search."""
SHALLOW = 0.08
"""Depth of the value that is searched for, as a share of the section: there it correlates little with the increase."""
EVALUATIONS = 40
"""Largest number of models that are simulated from each starting point of the search."""


def depth_gradient(mean: Maps) -> Maps:
    """Return the linear increase with depth `(1, Z, X)` that fits the mean map `(1, Z, X)` best."""
    profile = mean[0].mean(1)
    depth = np.arange(len(profile))
    line = np.polynomial.Polynomial.fit(depth, profile, 1)(depth)
    return np.broadcast_to(line[None, :, None], mean.shape).astype(np.float32)


def smoothed(maps: Maps, cells: float) -> Maps:
    """Blur maps `(n, 1, Z, X)` by a Gaussian of standard deviation `cells`; edges are continued."""
    return np.asarray(gaussian_filter(maps, (0, 0, cells, cells), mode="nearest"), np.float32)


def linear(problem: Problem, top: float, slope: float) -> Maps:
    """Return a linear increase with depth, clipped to the bounds of the property.

    Args:
        problem: Problem with the grid and the bounds.
        top: Value at depth 0 [property's unit].
        slope: Increase per metre [property's unit].

    Returns:
        Model `(1, Z, X)`.
    """
    grid, bounds = problem.grid, problem.property
    profile = top + slope * grid.spacing * np.arange(grid.nz)
    return np.broadcast_to(profile.clip(bounds.low, bounds.high)[None, :, None], (1, *grid.shape)).astype(np.float32)


def fitting_gradient(problem: Problem, misfit: Misfit, v0: float | None = None, k: float | None = None) -> Maps:
    """Return the linear increase with depth that fits a measurement best.

    The value at a small depth and the increase are searched for within the range of the property: on a coarse grid,
    then by the method of Nelder and Mead from the best point and from the best point of a moderate increase. Waves near
    the surface hardly distinguish a faster top from a steeper increase, so the best points lie in a narrow valley that
    a grid misses. Decreases are not tried unless `k` is one.

    Args:
        problem: Problem with the grid and the bounds.
        misfit: Misfit of a model with the measurement at its lowest frequencies, where it has few local minima.
        v0: Value at depth 0 [property's unit]; None: searched for.
        k: Increase per metre [property's unit]; None: searched for.

    Returns:
        Model `(1, Z, X)`.
    """
    bounds, depth = problem.property, max((problem.grid.nz - 1) * problem.grid.spacing, problem.grid.spacing)
    span = bounds.high - bounds.low

    def model(point: Sequence[float]) -> Maps:
        """Return the model of a value at a small depth and an increase, both as shares of the property's range."""
        top = bounds.low + span * float(point[0] - SHALLOW * point[1]) if v0 is None else v0
        return linear(problem, top, span * float(point[1]) / depth if k is None else k)

    @cache
    def score(point: tuple[float, ...]) -> float:
        return misfit(model(point))

    tops = np.linspace(0, 1, LEVELS) if v0 is None else np.zeros(1)
    rises = np.linspace(0, 1, LEVELS) if k is None else np.zeros(1)
    tried = [(float(top), float(rise)) for top, rise in product(tops, rises) if top + rise <= 1 + 1e-9]
    starts = [min(group, key=score) for group in (tried, [one for one in tried if one[1] <= MODERATE]) if group]
    found = [_descend(score, start) for start in dict.fromkeys(starts)]
    return model(min([*found, *starts], key=score))


def _descend(score: Callable[[tuple[float, ...]], float], start: tuple[float, float]) -> tuple[float, ...]:
    """Return a local minimum in the unit square by the method of Nelder and Mead."""
    step = 0.5 / (LEVELS - 1)
    inwards = [step if part < 0.5 else -step for part in start]
    simplex = np.array([start, (start[0] + inwards[0], start[1]), (start[0], start[1] + inwards[1])])
    found = minimize(
        lambda point: score(tuple(map(float, point))),
        start,
        method="Nelder-Mead",
        bounds=[(0, 1), (0, 1)],
        options={"initial_simplex": simplex, "maxfev": EVALUATIONS, "xatol": 1e-3, "fatol": 0},
    )
    return tuple(map(float, found.x))


def read_start(path: Path, problem: Problem) -> Maps:
    """Return the start model `(1, Z, X)` of an `.npy` file, clipped to the bounds of the property.

    Args:
        path: File with one map `(Z, X)`, `(1, Z, X)` or `(1, 1, Z, X)` in the property's unit.
        problem: Problem with the grid and the bounds.

    Raises:
        DataError: The file cannot be read or does not hold real numbers.
        ProblemError: The map has another shape, values that are not finite, or no value within the bounds.
    """
    try:
        stored = open_array(path)
    except DataError as error:
        raise DataError(f"the start model cannot be read: {error.message}", error.hint) from error
    if stored.dtype.kind not in "fiu":
        raise DataError(f"the start model {path} does not hold real numbers", "save it as array.astype('float32')")
    grid, bounds = problem.grid, problem.property
    if stored.shape not in (grid.shape, (1, *grid.shape), (1, 1, *grid.shape)):
        raise ProblemError(
            f"the start model {path} has shape {stored.shape}, expected {grid.shape}: depth, along the section",
            "transpose it if its axes are in the other order" if stored.shape[-2:] == grid.shape[::-1] else "",
        )
    model = np.asarray(stored, np.float32).reshape(1, *grid.shape)
    if not np.isfinite(model).all():
        raise ProblemError(
            f"the start model {path} holds {int((~np.isfinite(model)).sum())} values that are not finite"
        )
    outside = bounds.outside(model)
    if outside == model.size:
        raise ProblemError(
            f"all values of the start model {path} lie outside of the bounds {bounds.low:g} to {bounds.high:g} "
            f"{bounds.unit}; it has {model.min():.6g} to {model.max():.6g}",
            f"save it in {bounds.unit}, or give other bounds",
        )
    return model.clip(bounds.low, bounds.high)
