"""Statistics of a dataset's samples.

Invariant: at most `MOST` samples of a split are read, spread evenly over it; measurements one at a time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fwibench.datasets.base import Dataset
from fwibench.datasets.statistics import MapStatistics, describe_maps, least_step
from fwibench.typing import Array32

MOST = 200


@dataclass(frozen=True)
class Spread:
    """Distribution of all entries of some samples."""

    low: float
    mean: float
    high: float
    deviation: float


@dataclass(frozen=True)
class Statistics:
    """Statistics of the samples, as a card shows them.

    Attributes:
        split: Split that was read: train, or test if train is empty.
        samples: Number of samples that were read.
        property: Distribution of the maps, in physical units.
        measurement: Distribution of the raw measurements.
        clipped: Fraction of the measurement entries beyond [-1, 1] after the problem's scaling.
        mean_map: Mean absolute error of the mean training map on the test maps; None without training maps.
        nearest_map: The same of the training map nearest to each test map; far below `mean_map` if test maps have
            near-duplicates in train.
        maps: Statistics of single maps, for a comparison with published ones.
    """

    split: str
    samples: int
    property: Spread
    measurement: Spread
    clipped: float
    mean_map: float | None
    nearest_map: float | None
    maps: MapStatistics


def describe_samples(dataset: Dataset, scheme: str) -> Statistics:
    """Compute statistics of samples of train and test; of test alone if train is empty.

    Args:
        dataset: A prepared dataset.
        scheme: The split scheme.
    """
    train, test = (dataset.split(scheme, name).spread(MOST) for name in ("train", "test"))
    amplitude = dataset.problem.amplitude
    measurement, maps, beyond = _Running(), _Running(), 0
    read = train if len(train) else test
    known = read.properties[:]
    maps.add(known)
    for i in range(len(read)):
        values = read.measurements[i]
        measurement.add(values)
        beyond += int((np.abs(amplitude.normalise(values[None], np)) > 1).sum())
    mean_map, nearest_map = _nearness(known, test.properties[:]) if len(train) else (None, None)
    bounds = dataset.problem.property
    above = next((one.above for one in dataset.spec.published_maps if one.above is not None), None)
    return Statistics(
        read.name,
        len(read),
        maps.spread(),
        measurement.spread(),
        beyond / measurement.count,
        mean_map,
        nearest_map,
        describe_maps(known, step=least_step(bounds.low, bounds.high), above=above),
    )


class _Running:
    """Running sums, so that a `Spread` is computed without holding all values in memory."""

    def __init__(self) -> None:
        self.count, self._sum, self._squares = 0, 0.0, 0.0
        self._low, self._high = np.inf, -np.inf

    def add(self, values: Array32) -> None:
        self.count += values.size
        self._sum += float(values.sum(dtype=np.float64))
        self._squares += float(np.square(values, dtype=np.float64).sum())
        self._low, self._high = min(self._low, float(values.min())), max(self._high, float(values.max()))

    def spread(self) -> Spread:
        mean = self._sum / self.count
        deviation = np.sqrt(max(self._squares / self.count - mean**2, 0.0))
        return Spread(self._low, mean, self._high, float(deviation))


def _nearness(known: Array32, sought: Array32) -> tuple[float, float]:
    """Mean absolute error of the mean and of the nearest known map, `(n, 1, Z, X)`."""
    mean = np.abs(sought - known.mean(0)).mean()
    nearest = [min(float(np.abs(one - other).mean()) for other in known) for one in sought]
    return float(mean), float(np.mean(nearest))
