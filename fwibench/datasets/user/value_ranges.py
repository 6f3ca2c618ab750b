"""Ranges of the values in a user's files, and whether they can be right.

Invariant: all properties are read, since their range is that of the problem; of large measurements a seeded choice is
read, and the number of samples is reported.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fwibench.datasets.user.file_pairs import FilePairs
from fwibench.errors import DataError
from fwibench.samples import ShardedArray, find_not_finite
from fwibench.seeds import derive_seed
from fwibench.typing import Array32, Indices

READ_BYTES = 2**31
"""Most bytes that are read of the measurements; smaller datasets are read as a whole."""
SLOWEST_MEAN = 20.0
"""A mean velocity below this is in km/s, one above in m/s."""


@dataclass(frozen=True)
class ValueRange:
    """Range of the measurements, or of the properties.

    Attributes:
        low: Smallest value.
        high: Largest value.
        mean: Mean value.
        read: Number of samples that were read.
        rows: Largest absolute value of each row of the middle axis.
    """

    low: float
    high: float
    mean: float
    read: int
    rows: tuple[float, ...] = ()


def open_pairs(pairs: FilePairs) -> tuple[ShardedArray, ShardedArray]:
    """Open measurements `(n, S, T, R)` and properties `(n, 1, Z, X)` of all samples."""
    every = np.arange(sum(pairs.counts))
    return (
        ShardedArray(pairs.measurements, pairs.counts, pairs.measurement, every),
        ShardedArray(pairs.properties, pairs.counts, (1, *pairs.section), every),
    )


def find_range(samples: ShardedArray, name: str, what: str) -> ValueRange:
    """Read properties, or measurements up to `READ_BYTES`, and return their range.

    Args:
        samples: Measurements or properties of all samples.
        name: Name of the dataset; seeds the choice of samples.
        what: `measurement` or `property`.

    Raises:
        DataError: Values are not finite, or all the same.
    """
    n, size = len(samples), int(np.prod(samples.shape[1:])) * 4
    chosen = np.arange(n)
    if what == "measurement" and n * size > READ_BYTES:
        rng = np.random.default_rng(derive_seed("examine", name, what))
        chosen = np.sort(rng.choice(n, max(READ_BYTES // size, 1), replace=False))
    low, high, total = np.inf, -np.inf, 0.0
    by_row = np.zeros(samples.shape[2], np.float32)
    for first, part in samples.select(chosen).chunks():
        _check_finite(part, chosen[first:], what)
        low, high = min(low, float(part.min())), max(high, float(part.max()))
        by_row = np.maximum(by_row, np.abs(part).max((0, 1, 3)))
        total += float(part.mean(dtype=np.float64)) * len(part)
    if not low < high:
        raise DataError(f"every {what} is {low:g} everywhere", "check that these are the right files")
    return ValueRange(low, high, total / len(chosen), len(chosen), tuple(map(float, by_row)))


def _check_finite(part: Array32, numbers: Indices, what: str) -> None:
    if len(bad := find_not_finite(part)):
        raise DataError(
            f"{what} of sample {numbers[bad[0]]} (from 0, all files in a row) holds NaN or infinite values",
            "repair or remove the sample; both sides of a pair must keep the same order",
        )


def check_unit(found: ValueRange, name: str, unit: str) -> None:
    """Check that velocities are in the unit that is given.

    Args:
        found: Range of the properties.
        name: Name of the property; only velocities are checked.
        unit: Unit that the user gives.

    Raises:
        DataError: The mean velocity is that of another unit.
    """
    if name != "velocity":
        return
    if unit == "m/s" and 0 < found.mean < SLOWEST_MEAN:
        raise DataError(
            f"the mean velocity is {found.mean:.3g} m/s, expected some thousand; it is probably in km/s",
            "give --unit km/s (errors are then in km/s, and nothing is simulated), or multiply the files by 1000",
        )
    if unit == "km/s" and found.mean > SLOWEST_MEAN:
        raise DataError(f"the mean velocity is {found.mean:.4g} km/s; it is probably in m/s", "give --unit m/s")
