"""Methods that break one requirement each; `Good` meets all."""

import contextlib
import os
import signal
import time
from pathlib import Path

import numpy as np

from fwibench import Frozen, MethodSpec
from fwibench.errors import DataError
from fwibench.methods.base import Method
from fwibench.methods.complexity import Complexity, Layer
from fwibench.plugins.registry import load_registry
from fwibench.runs.opening.datasets import open_dataset


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
        target=f"tests.testing.nonconforming.methods:{kind.__name__}",
        kind="baseline",
        options=options,
        profiles={"smoke": {"steps": 1}} if options is Options else {},
        **values,
    )


class WithSamples(Good):
    """Meets all requirements: three samples, from 30 to 90 m/s above the prediction."""

    def predict_samples(self, measurements):
        steps = np.float32([30, 60, 90]).reshape(-1, 1, 1, 1, 1)
        return self.predict(measurements) + steps


class SamplesWithoutAxis(WithSamples):
    def predict_samples(self, measurements):
        return super().predict_samples(measurements)[0]


class SamplesLookAround(WithSamples):
    def predict_samples(self, measurements):
        return super().predict_samples(measurements) + 100 * measurements.std()


class SamplesForgetTheirSpread(WithSamples):
    def fit(self, train, val):
        super().fit(train, val)
        self.spread = 1.1

    def predict_samples(self, measurements):
        return super().predict_samples(measurements) * getattr(self, "spread", 1.0)


class SamplesAreEqual(WithSamples):
    def predict_samples(self, measurements):
        return super().predict_samples(measurements)[[0, 0]]


class SamplesInOtherUnits(WithSamples):
    def predict_samples(self, measurements):
        return super().predict_samples(measurements) / 1e3
