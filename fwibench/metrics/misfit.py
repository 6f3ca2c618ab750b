"""How well a prediction explains what was measured."""

from __future__ import annotations

import numpy as np

from fwibench.physics.misfit import relative_distance
from fwibench.problem import Problem
from fwibench.typing import Array32, Array64


def data_misfit(prediction: Array32, measurements: Array32, problem: Problem) -> Array64:
    """Relative L2 distance of simulated and measured data, sample by sample.

    Without noise it is relative to the measured data. Where the problem tells how much noise there is, it is
    relative to that: the truth has 1, and less means that noise was explained. Traces that are missing are
    left out. Of electromagnetic data each frequency's real and imaginary parts count alike, divided by their
    size. Predictions are clipped to the property's bounds, which the simulation was set up for.
    A small misfit does not make a good map: many maps explain the same data.

    Returns:
        `(n,)`; NaN where the problem has no physics.
    """
    from fwibench.physics.parallel import simulate_each

    if problem.physics is None:
        return np.full(len(prediction), np.nan)
    bounds = problem.property
    maps = [np.clip(one, bounds.low, bounds.high) for one in prediction]
    by_row = problem.survey.kind == "em"
    # the measured size holds the noise as well
    unit = problem.noise / np.sqrt(1 + problem.noise**2) if problem.noise else 1.0
    pairs = zip(simulate_each(maps, problem), measurements, strict=True)
    return np.array([relative_distance(simulated, measured, by_row=by_row) / unit for simulated, measured in pairs])
