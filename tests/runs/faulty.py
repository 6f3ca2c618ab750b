"""A plugin for the tests: methods that misbehave, each in its own way, and one that behaves."""

import os
import signal
import subprocess
import sys
import time

import numpy as np

from fwibench import Frozen, MethodSpec, MetricSpec, hookimpl
from fwibench.methods.base import Method
from fwibench.methods.complexity import Complexity


class Behaves(Method):
    def predict(self, measurements):
        print("to standard output")
        return np.full((len(measurements), *self.problem.property_shape), 2000, np.float32)

    def complexity(self):
        return Complexity()

    def spectra(self):
        return {"a matrix": np.array([2.0, 0.5])}

    def diagnostics(self, test):
        return {"known": 0.5, "unknown": float("nan")}

    def save(self, path):
        pass

    def load(self, path):
        pass


class Refuses(Behaves):
    def __init__(self, problem, options, context):
        raise ValueError("not with me")


class Raises(Behaves):
    def fit(self, train, val):
        raise RuntimeError("no good")


class Hangs(Behaves):
    def fit(self, train, val):
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)", self.context.workdir])
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(3600)


class ReturnsNan(Behaves):
    def predict(self, measurements):
        out = super().predict(measurements)
        out[0, 0, 0, 0] = np.nan
        return out


class ReturnsOtherShape(Behaves):
    def predict(self, measurements):
        return super().predict(measurements)[:, 0]


class Exits(Behaves):
    def fit(self, train, val):
        sys.exit(0)


class ExitsHard(Behaves):
    def fit(self, train, val):
        os._exit(0)


class Segfaults(Behaves):
    def fit(self, train, val):
        os.kill(os.getpid(), signal.SIGSEGV)


class IsKilled(Behaves):
    def fit(self, train, val):
        (self.context.workdir / "checkpoint").touch()
        os.kill(os.getpid(), signal.SIGKILL)


class RunsOutOfMemory(Behaves):
    def fit(self, train, val):
        raise MemoryError("asked for too much")


class Moody(Behaves):
    def fit(self, train, val):
        self.history = [{"epoch": 1, "train_loss": float("inf"), "val_loss": 0.5}]
        if os.environ.get("MOOD") == "bad":
            raise RuntimeError("not today")


class Options(Frozen):
    seconds: float = 0.0


class Slow(Behaves):
    def fit(self, train, val):
        (self.context.workdir / "begun").touch()
        self.context.report(step=1, steps=2, loss=0.5)
        time.sleep(self.options.seconds)


def spoils(prediction, truth, problem):
    prediction[:] = truth


def miscounts(prediction, truth, problem):
    return [0.0]


def counts(prediction, truth, problem):
    return range(len(prediction))


def spec(name, kind, **fields):
    return MethodSpec(name=name, summary="for tests", target=f"faulty:{kind.__name__}", kind="baseline", **fields)


@hookimpl
def fwibench_methods():
    for kind in (
        Behaves,
        Refuses,
        Raises,
        Hangs,
        ReturnsNan,
        ReturnsOtherShape,
        Exits,
        ExitsHard,
        Segfaults,
        RunsOutOfMemory,
        IsKilled,
        Moody,
    ):
        yield spec("x-" + kind.__name__.lower(), kind)
    yield spec("x-slow", Slow, options=Options)
    yield spec("x-em", Behaves, measurements=("em",))
    yield spec("x-simulates", Behaves, physics=("electromagnetic",))
    yield spec("x-gpu", Behaves, devices=("cuda",))


@hookimpl
def fwibench_metrics():
    return [
        MetricSpec(name="x-" + name, summary="for tests", target=f"faulty:{name}", better="low", default=False)
        for name in ("spoils", "miscounts", "counts")
    ]
