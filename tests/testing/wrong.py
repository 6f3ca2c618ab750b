"""Methods, datasets and metrics that break one promise each, and ones that keep all."""

import contextlib
import os
import signal
import time
from pathlib import Path

import numpy as np

from fwibench import DatasetSpec, Frozen, MethodSpec, MetricSpec
from fwibench.datasets.splits import random_split
from fwibench.datasets.stored import StoredDataset
from fwibench.errors import DataError
from fwibench.methods.base import Method
from fwibench.methods.complexity import Complexity, Layer
from fwibench.plugins.registry import load_registry
from fwibench.runs.opening.datasets import open_dataset
from fwibench.seeds import derive_seed
from fwibench.specs.dataset_options import DatasetOptions
from fwibench.testing import seismic_problem
from fwibench.testing.tiny import SEISMIC


class Options(Frozen):
    steps: int = 500


class Required(Frozen):
    steps: int


class Infinite(Frozen):
    limit: float = float("inf")


class Good(Method):
    """The mean map, a little faster where measurements are strong, and noise that the seed decides."""

    def fit(self, train, val):
        rng = np.random.default_rng(self.context.seed("init"))
        self.mean = train.properties[:].mean(0)
        self.noise = rng.uniform(0, 10, self.mean.shape).astype(np.float32)

    def predict(self, measurements):
        if not hasattr(self, "mean"):
            raise self.not_fitted()
        strength = np.abs(measurements).mean((1, 2, 3), keepdims=True)
        return self.mean + self.noise + strength

    def complexity(self):
        return Complexity(parameters=0)

    def save(self, path):
        np.savez(path / "state.npz", mean=self.mean, noise=self.noise)

    def load(self, path):
        with np.load(path / "state.npz") as stored:
            self.mean, self.noise = stored["mean"], stored["noise"]


class NoMethod:
    def __init__(self, problem, options, context):
        pass


class Dies(Good):
    def fit(self, train, val):
        os.kill(os.getpid(), signal.SIGSEGV)


class RemembersInItsProcess(Good):
    known = {}  # noqa: RUF012

    def save(self, path):
        self.known["state"] = self.mean, self.noise

    def load(self, path):
        self.mean, self.noise = self.known["state"]


class AnyError(Good):
    def predict(self, measurements):
        return self.mean + super().predict(measurements) - self.mean


class AlwaysAnswers(Good):
    def predict(self, measurements):
        if not hasattr(self, "mean"):
            return np.full((len(measurements), *self.problem.property_shape), 2000, np.float32)
        return super().predict(measurements)


class OtherShape(Good):
    def predict(self, measurements):
        return super().predict(measurements)[:, 0]


class Complex(Good):
    def predict(self, measurements):
        return super().predict(measurements).astype(complex)


class Booleans(Good):
    def predict(self, measurements):
        return super().predict(measurements) > 2000


class NotFinite(Good):
    def predict(self, measurements):
        found = super().predict(measurements)
        found[-1, 0, 0, 0] = np.nan
        return found


class Normalised(Good):
    def predict(self, measurements):
        return self.problem.property.normalise(super().predict(measurements))


class Kilometres(Good):
    def predict(self, measurements):
        return super().predict(measurements) / np.float32(1000)


class ReturnsList(Good):
    def predict(self, measurements):
        return list(super().predict(measurements))


class LooksAround(Good):
    def predict(self, measurements):
        return super().predict(measurements) + 10 * measurements.std(dtype=np.float32)


class Counts(Good):
    calls = 0

    def predict(self, measurements):
        self.calls += 1
        return super().predict(measurements) + np.float32(self.calls)


class SeedsByProcess(Good):
    def fit(self, train, val):
        super().fit(train, val)
        self.noise = self.noise + np.float32(10 * os.getpid())


class IgnoresSeed(Good):
    def fit(self, train, val):
        super().fit(train, val)
        self.noise[:] = 0


class ChangesMeasurements(Good):
    def predict(self, measurements):
        found = super().predict(measurements)
        measurements *= 2
        return found


class ChangesOptions(Good):
    def fit(self, train, val):
        super().fit(train, val)
        self.options.__dict__["steps"] += 1


class WantsTruth(Good):
    truth = np.float32(0)

    def reveal(self, properties):
        self.truth = properties

    def predict(self, measurements):
        return super().predict(measurements) + self.truth


class OpensDataset(Good):
    def predict(self, measurements):
        with contextlib.suppress(DataError):
            open_dataset(load_registry(), "salt", "smoke").split("random", "test")
        return super().predict(measurements)


class ForgetsNoise(Good):
    def load(self, path):
        super().load(path)
        self.noise = 0 * self.noise


class NeverStops(Good):
    def fit(self, train, val):
        super().fit(train, val)
        for _ in range(self.options.steps):
            time.sleep(0.1)


class StopsWithNothing(Good):
    def predict(self, measurements):
        return super().predict(measurements) * np.float32(np.nan if self.context.should_stop() else 1)


class WritesHere(Good):
    def fit(self, train, val):
        super().fit(train, val)
        Path("history.csv").write_text("loss")


class WritesHome(Good):
    def save(self, path):
        super().save(path)
        (Path.home() / ".wrong").mkdir(exist_ok=True)


class SeedsNumpy(Good):
    def fit(self, train, val):
        np.random.seed(self.context.seed("init") % 2**32)
        super().fit(train, val)


class SetsEnvironment(Good):
    def __init__(self, problem, options, context):
        super().__init__(problem, options, context)
        os.environ["OMP_NUM_THREADS"] = "7"


class SetsGradMode(Good):
    def fit(self, train, val):
        import torch

        torch.set_grad_enabled(False)
        super().fit(train, val)


class Miscounts(Good):
    def __init__(self, problem, options, context):
        import torch

        super().__init__(problem, options, context)
        self.parts = {"network": torch.nn.Linear(3, 2)}


class LayersAreShort(Good):
    def layers(self):
        return (Layer(name="a", kind="b", shape=(), parameters=3, macs=0),)


def method_spec(kind=Good, options=Options, **values):
    return MethodSpec(
        name="x-" + kind.__name__.lower(),
        summary="for tests",
        target=f"tests.testing.wrong:{kind.__name__}",
        kind="baseline",
        options=options,
        profiles={"smoke": {"steps": 1}} if options is Options else {},
        **values,
    )


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
            "target": f"tests.testing.wrong:{kind.__name__}",
            "source": "synthetic",
            "measurements": "seismic",
            **values,
        }
    )


def good_score(prediction, truth, problem):
    return np.abs(prediction - truth).mean((1, 2, 3))


def one_number(prediction, truth, problem):
    return np.abs(prediction - truth).mean()


def relative_to_batch(prediction, truth, problem):
    return good_score(prediction, truth, problem) / truth.std()


def constant(prediction, truth, problem):
    return np.ones(len(prediction))


def in_place(prediction, truth, problem):
    prediction -= truth
    return np.abs(prediction).mean((1, 2, 3))


def metric_spec(function=good_score, better="low"):
    return MetricSpec(
        name="x-" + function.__name__.replace("_", "-"),
        summary="for tests",
        target=f"tests.testing.wrong:{function.__name__}",
        better=better,
    )
