"""Whether values can be what they are taken for: finite, within the bounds of the property, in its unit, depth first.

Invariant: what is refused is named with its file, its sample or map, how many values are wrong, and what to do.
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
"""How far values of published shards may lie beyond the bounds, as a share of their range: they are rounded."""
MAP_SLACK = 1e-4
"""The same for maps that measurements are simulated from here."""
TURNED = 3.0
"""Maps whose steps along x are larger than those along depth by this factor are doubted. Measured ratios: 0 for
published FlatVel-A maps, 0.18 for Marmousi2, 0.27 to 0.85 for the twins, 1.65 for a published CurveFault map."""


class Fault(NamedTuple):
    """What is wrong, and what to do."""

    message: str
    hint: str


def extremes(path: Path) -> list[float] | None:
    """Return the least and the largest value of an `.npy` file; None if any value is NaN or infinite."""
    shard = open_npy(path)
    flat = shard.reshape(-1) if shard.flags.c_contiguous else shard.T.reshape(-1)
    rows = CHUNK_BYTES // shard.itemsize
    low, high = np.inf, -np.inf
    for first in range(0, flat.size, rows):
        part = flat[first : first + rows]
        # both carry NaN on
        low, high = np.minimum(low, part.min()), np.maximum(high, part.max())
    return [float(low), float(high)] if np.isfinite([low, high]).all() else None


def fits(found: Sequence[float], bounds: Property, share: float = SLACK) -> bool:
    """Whether the least and the largest value lie within the bounds, to a share of their range."""
    slack = share * (bounds.high - bounds.low)
    return bounds.low - slack <= found[0] and found[-1] <= bounds.high + slack


def find_fault(path: Path, count: int, bounds: Property | None) -> Fault | None:
    """Read a shard until something is wrong.

    Args:
        path: An `.npy` file of `count` samples; the first axis may be missing where there is one.
        count: Its samples.
        bounds: The property of its maps; None for measurements, which must be finite only.

    Returns:
        Which sample is at fault first and how many values are, or None.
    """
    shard: NDArray[Any] = open_npy(path)
    samples = shard.reshape(count, -1) if shard.flags.c_contiguous else (shard if count > 1 else shard[None])
    rows = max(CHUNK_BYTES * count // max(shard.nbytes, 1), 1)
    slack = SLACK * (bounds.high - bounds.low) if bounds else 0.0
    infinite, outside = _Count(), _Count()
    for first in range(0, count, rows):
        part = np.asarray(samples[first : first + rows]).reshape(-1, shard.size // count)
        infinite.add(first, ~np.isfinite(part))
        if bounds:
            outside.add(first, (part < bounds.low - slack) | (part > bounds.high + slack))
    if infinite.values:
        return Fault(
            f"{path}, sample {infinite.first}: values are NaN or infinite, {infinite.values} of {shard.size} in all",
            "get the file anew, or take it and its partner away",
        )
    if not bounds or not outside.values:
        return None
    sample = np.asarray(samples[outside.first])
    found = float(sample.min()), float(sample.max())
    return Fault(
        f"{path}: {outside.values} of {shard.size} values lie outside of the bounds; sample {outside.first} holds "
        f"{bounds.name} {found[0]:g} to {found[1]:g}, expected {bounds.low:g} to {bounds.high:g} {bounds.unit}",
        advise(found, bounds) or "these are maps of another property or another dataset",
    )


class _Count:
    """Wrong values, and the first sample that holds one."""

    def __init__(self) -> None:
        self.values, self.first = 0, -1

    def add(self, first: int, wrong: NDArray[np.bool_]) -> None:
        bad = np.flatnonzero(wrong.any(axis=1))
        if len(bad) and not self.values:
            self.first = first + int(bad[0])
        self.values += int(np.count_nonzero(wrong))


def advise(found: tuple[float, float], bounds: Property) -> str:
    """Return what to do about values in another unit; empty where no likely one explains them."""
    for factor, unit in ((1e3, f"k{bounds.unit}"), (1e-3, f"m{bounds.unit}" if bounds.unit != "km/s" else "m/s")):
        if fits([factor * one for one in found], bounds):
            return f"these look like {unit}: multiply by {factor:g}"
    return ""


def check_map(values: NDArray[Any], where: str, bounds: Property | None) -> None:
    """Check one map.

    Args:
        values: The map.
        where: Its file and place there.
        bounds: The property; None to take any finite value.

    Raises:
        DataError: Values are NaN, infinite or outside of the bounds.
    """
    if bad := values.size - int(np.isfinite(values).sum()):
        raise DataError(f"{where}: {bad} of {values.size} values are NaN or infinite", "repair or remove the map")
    found = float(values.min()), float(values.max())
    if bounds is None or fits(found, bounds, MAP_SLACK):
        return
    raise DataError(
        f"{where}: {bounds.name} {found[0]:g} to {found[1]:g} found, expected {bounds.low:g} to {bounds.high:g} "
        f"{bounds.unit}",
        advise(found, bounds)
        or "clip the maps to the bounds, or bring them in with fwibench data add, which has bounds of its own",
    )


def look_turned(maps: Sequence[NDArray[Any]]) -> float:
    """Return by what factor steps along x exceed those along depth, if that makes maps `(Z, X)` doubtful, else 0."""
    down, across = (
        float(np.mean([np.abs(np.diff(one.astype(np.float64), axis=axis)).mean() for one in maps])) for axis in (0, 1)
    )
    return across / max(down, 1e-12 * across) if across > TURNED * down else 0.0
