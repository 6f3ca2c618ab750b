"""What the values of added arrays say: bounds, and whether they can be right.

Invariant: properties are read whole, for their bounds are those of the problem; of large measurements a seeded
choice is read, and how many is told with whatever is concluded.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fwibench.datasets.user.file_pairs import Gathered
from fwibench.errors import DataError
from fwibench.samples import ShardedArray, find_not_finite
from fwibench.seeds import derive_seed
from fwibench.typing import Array32, Indices

READ_BYTES = 2**31
"""Most that is read of the measurements; small datasets are read whole."""
KILO_MEAN = 20.0
"""A mean velocity below this is in km/s, one above in m/s."""


@dataclass(frozen=True)
class Examined:
    """What was found on one side of the samples.

    Attributes:
        low: Least value.
        high: Largest value.
        mean: Mean value.
        read: How many samples were read.
        rows: Largest absolute value of each entry of the middle axis.
    """

    low: float
    high: float
    mean: float
    read: int
    rows: tuple[float, ...] = ()


def arrays(gathered: Gathered) -> tuple[ShardedArray, ShardedArray]:
    """Measurements `(n, S, T, R)` and properties `(n, 1, Z, X)` of all samples."""
    every = np.arange(sum(gathered.counts))
    return (
        ShardedArray(gathered.measurements, gathered.counts, gathered.measurement, every),
        ShardedArray(gathered.properties, gathered.counts, (1, *gathered.section), every),
    )


def examine(samples: ShardedArray, name: str, what: str) -> Examined:
    """Reads properties, or measurements up to `READ_BYTES`.

    Args:
        samples: One side of all samples.
        name: Of the dataset; seeds the choice.
        what: `measurement` or `property`, for messages.

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
        raise DataError(f"every {what} is {low:g} everywhere", "are these the right files?")
    return Examined(low, high, total / len(chosen), len(chosen), tuple(map(float, by_row)))


def _check_finite(part: Array32, numbers: Indices, what: str) -> None:
    if len(bad := find_not_finite(part)):
        raise DataError(
            f"{what} of sample {numbers[bad[0]]} (from 0, all files in a row) holds NaN or infinite values",
            "repair or remove the sample; both sides of a pair must keep the same order",
        )


def check_unit(found: Examined, name: str, unit: str) -> None:
    """Raises `DataError` for velocities that are in another unit than stated."""
    if name != "velocity":
        return
    if unit == "m/s" and 0 < found.mean < KILO_MEAN:
        raise DataError(
            f"the mean velocity is {found.mean:.3g} m/s, expected some thousand; it is probably in km/s",
            "say --unit km/s (errors are then in km/s, and nothing is simulated), or multiply the files by 1000",
        )
    if unit == "km/s" and found.mean > KILO_MEAN:
        raise DataError(f"the mean velocity is {found.mean:.4g} km/s; it is probably in m/s", "say --unit m/s")
