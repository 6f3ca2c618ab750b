"""Checks of stored values: finite, within the bounds of the property, in its unit, depth first.

Invariant: an error names the file, the sample or map, the number of wrong values, and what to do.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from fwibench.errors import DataError
from fwibench.files.npy import open_npy
from fwibench.problem import Property
from fwibench.samples import CHUNK_BYTES

SLACK = 1e-3
"""Largest distance of values in published shards from the bounds, as a share of the range: they are rounded."""
MAP_SLACK = 1e-4
"""The same for maps that measurements are simulated from."""
TRANSPOSED = 3.0
"""Smallest ratio of the steps along x to those along depth at which maps are doubted. Measured ratios: 0 for
published FlatVel-A maps, 0.18 for Marmousi2, 0.27 to 0.85 for the twins, 1.65 for a published CurveFault map."""


class Fault(NamedTuple):
    """Message on wrong values, and advice."""

    message: str
    hint: str


def extremes(path: Path) -> list[float] | None:
    """Return the smallest and the largest value of an `.npy` file; None if any value is NaN or infinite."""
    shard = open_npy(path)
    flat = shard.reshape(-1) if shard.flags.c_contiguous else shard.T.reshape(-1)
    rows = CHUNK_BYTES // shard.itemsize
    low, high = np.inf, -np.inf
    for first in range(0, flat.size, rows):
        part = flat[first : first + rows]
        # both propagate NaN
        low, high = np.minimum(low, part.min()), np.maximum(high, part.max())
    return [float(low), float(high)] if np.isfinite([low, high]).all() else None


def fits(found: Sequence[float], bounds: Property, share: float = SLACK) -> bool:
    """Return whether values lie within bounds.

    Args:
        found: Smallest and largest value.
        bounds: Property with the bounds.
        share: Distance from the bounds that is accepted, as a share of their range.
    """
    slack = share * (bounds.high - bounds.low)
    return bounds.low - slack <= found[0] and found[-1] <= bounds.high + slack


def find_wrong_values(path: Path, count: int, bounds: Property | None) -> Fault | None:
    """Read a shard and find its wrong values.

    Args:
        path: An `.npy` file of `count` samples; a single sample may lack the first axis.
        count: Number of samples.
        bounds: Property of the maps; None for measurements, which need only be finite.

    Returns:
        The first wrong sample and the number of wrong values, or None.
    """
    shard: NDArray[Any] = open_npy(path)
    samples = shard.reshape(count, -1) if shard.flags.c_contiguous else (shard if count > 1 else shard[None])
    rows = max(CHUNK_BYTES * count // max(shard.nbytes, 1), 1)
    slack = SLACK * (bounds.high - bounds.low) if bounds else 0.0
    not_finite, outside = _Count(), _Count()
    for first in range(0, count, rows):
        part = np.asarray(samples[first : first + rows]).reshape(-1, shard.size // count)
        not_finite.add(first, ~np.isfinite(part))
        if bounds:
            outside.add(first, (part < bounds.low - slack) | (part > bounds.high + slack))
    if not_finite.values:
        return Fault(
            f"{path}, sample {not_finite.first}: values are NaN or infinite, {not_finite.values} of {shard.size} in "
            "all",
            "get the file again, or remove it and its partner",
        )
    if not bounds or not outside.values:
        return None
    sample = np.asarray(samples[outside.first])
    found = float(sample.min()), float(sample.max())
    return Fault(
        f"{path}: {outside.values} of {shard.size} values lie outside the bounds; sample {outside.first} holds "
        f"{bounds.name} {found[0]:g} to {found[1]:g}, expected {bounds.low:g} to {bounds.high:g} {bounds.unit}",
        unit_advice(found, bounds) or "these are maps of another property or another dataset",
    )


class _Count:
    """Number of wrong values, and the first sample that holds one."""

    def __init__(self) -> None:
        self.values, self.first = 0, -1

    def add(self, first: int, wrong: NDArray[np.bool_]) -> None:
        bad = np.flatnonzero(wrong.any(axis=1))
        if len(bad) and not self.values:
            self.first = first + int(bad[0])
        self.values += int(np.count_nonzero(wrong))


def unit_advice(found: tuple[float, float], bounds: Property, share: float = SLACK) -> str:
    """Return advice on values `(smallest, largest)` in another unit; empty where no likely unit explains them.

    Args:
        found: Smallest and largest value.
        bounds: Property with the bounds.
        share: See `fits`.
    """
    for factor, unit in ((1e3, f"k{bounds.unit}"), (1e-3, f"m{bounds.unit}" if bounds.unit != "km/s" else "m/s")):
        if fits([factor * one for one in found], bounds, share):
            return f"these look like {unit}: multiply by {factor:g}"
    return ""


def check_map(values: NDArray[Any], where: str, bounds: Property | None) -> None:
    """Check one map.

    Args:
        values: The map.
        where: Name of the file and number of the map, for messages.
        bounds: Property with the bounds; None to accept any finite value.

    Raises:
        DataError: Values are NaN, infinite or outside the bounds.
    """
    if bad := values.size - int(np.isfinite(values).sum()):
        raise DataError(f"{where}: {bad} of {values.size} values are NaN or infinite", "repair or remove the map")
    found = float(values.min()), float(values.max())
    if bounds is None or fits(found, bounds, MAP_SLACK):
        return
    raise DataError(
        f"{where}: {bounds.name} {found[0]:g} to {found[1]:g} found, expected {bounds.low:g} to {bounds.high:g} "
        f"{bounds.unit}",
        unit_advice(found, bounds)
        or "clip the maps to the bounds, or add them with fwibench data add, which takes the bounds from the files",
    )


def transposition_ratio(maps: Sequence[NDArray[Any]]) -> float:
    """Return the ratio of the steps along x to those along depth of maps that are likely transposed, else 0."""
    down, across = (
        float(np.mean([np.abs(np.diff(one.astype(np.float64), axis=axis)).mean() for one in maps])) for axis in (0, 1)
    )
    return across / max(down, 1e-12 * across) if across > TRANSPOSED * down else 0.0
