"""Start models.

Invariant: a fair start is made from the train split, from the measurement itself or from a file that the user names. A
smoothed truth is an oracle and has a track of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from fwibench.errors import DataError, ProblemError
from fwibench.problem import Problem

Maps = NDArray[np.float32]
Misfit = Callable[[Maps], float]
"""Of a model `(1, Z, X)`."""

LEVELS = 7
"""Values at the top and at the bottom of the section that a search for a gradient begins with."""
HALVINGS = 3
"""Times that the search halves its step around the best one."""


def depth_gradient(mean: Maps) -> Maps:
    """The straight line over depth that fits the mean map best, for every column alike."""
    profile = mean[0].mean(1)
    depth = np.arange(len(profile))
    line = np.polynomial.Polynomial.fit(depth, profile, 1)(depth)
    return np.broadcast_to(line[None, :, None], mean.shape).astype(np.float32)


def smoothed(maps: Maps, cells: float) -> Maps:
    """Maps `(n, 1, Z, X)` blurred by a Gaussian; edges are continued."""
    return np.asarray(gaussian_filter(maps, (0, 0, cells, cells), mode="nearest"), np.float32)


def linear(problem: Problem, top: float, slope: float) -> Maps:
    """A linear increase over depth, clipped to the property's bounds.

    Args:
        problem: Its grid and bounds.
        top: Value at depth 0.
        slope: Increase per metre.

    Returns:
        `(1, Z, X)`.
    """
    grid, bounds = problem.grid, problem.property
    profile = top + slope * grid.spacing * np.arange(grid.nz)
    return np.broadcast_to(profile.clip(bounds.low, bounds.high)[None, :, None], (1, *grid.shape)).astype(np.float32)


def fitting_gradient(problem: Problem, misfit: Misfit, v0: float | None = None, k: float | None = None) -> Maps:
    """The linear increase over depth that explains a measurement best.

    Values at the top and at the bottom are searched for in the property's bounds, first on a coarse grid, then around
    its best point with a step that is halved. Decreases are not tried unless `k` asks for one.

    Args:
        problem: Grid and bounds.
        misfit: Of a model with the measurement, on its lowest frequencies: there it has few local minima.
        v0: Value at depth 0, where it is known.
        k: Increase per metre, where it is known.

    Returns:
        `(1, Z, X)`.
    """
    bounds, depth = problem.property, max((problem.grid.nz - 1) * problem.grid.spacing, problem.grid.spacing)
    tried: dict[tuple[float, float], float] = {}

    def score(top: float, bottom: float) -> float:
        key = (top, bottom)
        if key not in tried:
            tried[key] = misfit(linear(problem, top, (bottom - top) / depth))
        return tried[key]

    def allowed(top: float, bottom: float) -> tuple[float, float]:
        top = float(np.clip(top, bounds.low, bounds.high)) if v0 is None else v0
        return top, float(np.clip(bottom, bounds.low, bounds.high)) if k is None else top + k * depth

    levels = np.linspace(bounds.low, bounds.high, LEVELS)
    first = {allowed(top, bottom) for top, bottom in product(levels, levels) if bottom >= top or k is not None}
    best = min(sorted(first), key=lambda pair: score(*pair))
    step = (bounds.high - bounds.low) / (LEVELS - 1)
    for _ in range(HALVINGS):
        step /= 2
        around = {allowed(best[0] + i * step, best[1] + j * step) for i, j in product((-1, 0, 1), repeat=2)}
        near = sorted(pair for pair in around if pair[1] >= pair[0] or k is not None)
        best = min([best, *near], key=lambda pair: score(*pair))
    return linear(problem, best[0], (best[1] - best[0]) / depth)


def read_start(path: Path, problem: Problem) -> Maps:
    """A start model from an `.npy` file, `(1, Z, X)`.

    Args:
        path: Holds `(Z, X)`, `(1, Z, X)` or `(1, 1, Z, X)` in the property's unit.
        problem: Its grid and bounds.

    Raises:
        DataError: The file cannot be read or does not hold real numbers.
        ProblemError: It has another shape, or values that are not finite or far beyond the bounds.
    """
    try:
        stored = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"the start model {path} cannot be read: {error}", "give an .npy file of one map") from error
    if not isinstance(stored, np.ndarray) or stored.dtype.kind not in "fiu":
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
