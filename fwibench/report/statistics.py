"""Figures that describe a dataset's samples.

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
    """What a card says of the samples.

    Attributes:
        split: Whose samples were read: train, or test where that is empty.
        samples: How many were read.
        property: Of their maps, in physical units.
        measurement: Of their raw measurements.
        clipped: Share of measurement entries that the problem's scaling takes beyond [-1, 1].
        mean_map: Mean absolute error of the mean training map on the test maps.
        nearest_map: The same of the training map nearest to each test map; far below `mean_map` where
            test maps have near twins in train. Both are None where there is no train.
        maps: What these maps are like, for a comparison with published ones.
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
    """Reads samples of train and test; of test alone where there are none to train on.

    Args:
        dataset: Prepared.
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
    """Sums that give a `Spread` without holding the values."""

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
