"""Datasets that break one requirement each; `GoodData` meets all."""

import time

import numpy as np

from fwibench import DatasetSpec
from fwibench.datasets.splits import random_split
from fwibench.datasets.stored import StoredDataset
from fwibench.seeds import derive_seed
from fwibench.specs.dataset_options import DatasetOptions
from fwibench.testing import seismic_problem
from fwibench.testing.problems import SEISMIC


class GoodData(StoredDataset):
    """Random maps and measurements; nothing is simulated."""

    problem = seismic_problem((2, 5, 4), (6, 7))
    shard_rows = 4
    sizes = {"smoke": 10, "quick": 12, "paper": 14}  # noqa: RUF012

    @property
    def size(self):
        return self.sizes[self.profile]

    def indices(self, scheme):
        return random_split(self.size, 2, 2, self.spec.name)

    def rng(self, number):
        return np.random.default_rng(derive_seed("good-data", number))

    def samples(self, numbers):
        for number in numbers:
            rng = self.rng(number)
            measurement = rng.normal(size=self.problem.measurement_shape).astype(np.float32)
            yield measurement, rng.uniform(1500, 4500, self.problem.property_shape).astype(np.float32)


class RequiredData(DatasetOptions):
    depth: float


def no_data(spec, options, profile):
    return {}


class Shrinks(GoodData):
    sizes = {"smoke": 10, "quick": 8, "paper": 14}  # noqa: RUF012


class SharesSamples(GoodData):
    def indices(self, scheme):
        found = super().indices(scheme)
        return {**found, "test": found["train"][:2]}


class DealsAnew(GoodData):
    def indices(self, scheme):
        return random_split(self.size, 2, 2, str(time.monotonic_ns()))


class DealsTooMany(GoodData):
    def indices(self, scheme):
        return random_split(self.size + 3, 2, 2, self.spec.name)


class GoesOn(GoodData):
    """One generator for all."""

    def __init__(self, spec, options, profile):
        super().__init__(spec, options, profile)
        self.one = np.random.default_rng(0)

    def rng(self, number):
        return self.one


class NeverReady(GoodData):
    def prepared(self):
        return False


class FindsFault(GoodData):
    def verify(self):
        return ["something is wrong"]


class HoldsNan(GoodData):
    def samples(self, numbers):
        for measurement, sought in super().samples(numbers):
            measurement[0] = np.nan
            yield measurement, sought


class BeyondBounds(GoodData):
    def samples(self, numbers):
        for measurement, sought in super().samples(numbers):
            yield measurement, sought + 3000


class NotSimulated(GoodData):
    problem = SEISMIC


class Unseeded(GoodData):
    def rng(self, number):
        return np.random.default_rng()


class SeesNoDamage(GoodData):
    def verify(self):
        return []


def dataset_spec(kind=GoodData, **values):
    return DatasetSpec(
        **{
            "name": "x-" + kind.__name__.lower().replace("_", "-"),
            "summary": "for tests",
            "target": f"tests.testing.nonconforming.datasets:{kind.__name__}",
            "source": "synthetic",
            "measurements": "seismic",
            **values,
        }
    )
