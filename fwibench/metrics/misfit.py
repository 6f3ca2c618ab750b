"""Misfit between simulated and recorded measurements."""

from __future__ import annotations

import numpy as np

from fwibench.physics.misfit import relative_distance
from fwibench.problem import Problem
from fwibench.typing import Array32, Array64


def data_misfit(prediction: Array32, measurements: Array32, problem: Problem) -> Array64:
    """Return the relative L2 distance of the data of each predicted map from the recorded data.

    Without noise it is relative to the recorded data. Where the problem states the noise, it is relative to the noise:
    the true map has 1, and a smaller value means that noise was fitted. Missing traces are left out. Real and imaginary
    parts of electromagnetic data are divided by their size, frequency by frequency. Predictions are clipped to the
    bounds of the property, for which the simulation is set up. A small misfit does not imply a good map, since many
    maps explain the same data.

    Args:
        prediction: Predicted maps `(n, 1, Z, X)` in physical units.
        measurements: Recorded measurements `(n, S, T, R)`.
        problem: Problem with its physics and noise.

    Returns:
        Scores `(n,)`; NaN where the problem has no physics.
    """
    from fwibench.physics.parallel import simulate_each

    if problem.physics is None:
        return np.full(len(prediction), np.nan)
    bounds = problem.property
    maps = [np.clip(one, bounds.low, bounds.high) for one in prediction]
    by_row = problem.survey.kind == "em"
    # the norm of the recorded data includes the noise
    unit = problem.noise / np.sqrt(1 + problem.noise**2) if problem.noise else 1.0
    pairs = zip(simulate_each(maps, problem), measurements, strict=True)
    return np.array([relative_distance(simulated, measured, by_row=by_row) / unit for simulated, measured in pairs])
