"""Statistics of property maps, for comparing a synthetic dataset with published maps.

Invariant: pure functions of the maps. A smooth edge of a layer makes several small steps, so every statistic has an
exact definition.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

PERCENTILES = (50.0, 75.0, 90.0, 99.0)
"""Percentiles of the vertical gradient that are reported."""
STEPS_IN_RANGE = 3000
"""Steps in the range of a property: 1 m/s for velocities of 1500 to 4500 m/s."""


class MapStatistics(NamedTuple):
    """Statistics of maps; None for values that were not measured or not published.

    A step is a change of more than `step` between vertically neighbouring nodes.

    Attributes:
        mean: Mean of all nodes, in the property's unit.
        deviation: Standard deviation of all nodes, in the property's unit.
        layers: Steps of a column plus one, mean of all columns.
        median_jump: Median size of all steps; 0 where there is none.
        gradients: Percentiles `PERCENTILES` of the absolute change from node to node along depth.
        share_above: Share of the nodes above a threshold, such as the share of salt.
    """

    mean: float | None = None
    deviation: float | None = None
    layers: float | None = None
    median_jump: float | None = None
    gradients: tuple[float, ...] = ()
    share_above: float | None = None


def describe_maps(maps: NDArray[np.floating], *, step: float, above: float | None = None) -> MapStatistics:
    """Describe maps of any number and size.

    Args:
        maps: `(..., Z, X)`, depth first, in the property's unit.
        step: Largest change between neighbouring nodes that does not count as a step.
        above: Threshold of `share_above`; None leaves it out.

    Returns:
        Statistics over all maps.

    Raises:
        ValueError: Maps have fewer than two rows or there are none.
    """
    values = np.asarray(maps, np.float64)
    if values.ndim < 2 or values.shape[-2] < 2 or not values.size:
        raise ValueError(f"maps have shape {values.shape}, expected (..., Z, X) with two rows or more")
    change = np.abs(np.diff(values, axis=-2))
    steps = change > step
    return MapStatistics(
        mean=float(values.mean()),
        deviation=float(values.std()),
        layers=float(steps.sum(-2).mean()) + 1,
        median_jump=float(np.median(change[steps])) if steps.any() else 0.0,
        gradients=tuple(float(value) for value in np.percentile(change, PERCENTILES)),
        share_above=None if above is None else float((values > above).mean()),
    )


def least_step(low: float, high: float) -> float:
    """Return the largest change that does not count as a step, for a property with these bounds."""
    return (high - low) / STEPS_IN_RANGE
