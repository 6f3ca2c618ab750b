"""A plugin for the tests: methods that misbehave, each in its own way, and one that behaves."""

import atexit
import gc
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np

from fwibench import Frozen, MethodSpec, MetricSpec, hookimpl
from fwibench.files.atomic import atomic_write
from fwibench.methods.base import Method
from fwibench.methods.complexity import Complexity
from fwibench.samples import Split


class Behaves(Method):
    def predict(self, measurements):
        print("to standard output")
        return np.full((len(measurements), *self.problem.property_shape), 2000, np.float32)

    def complexity(self):
        return Complexity()

    def spectra(self):
        return {"a matrix": np.array([2.0, 0.5])}

    def figures(self):
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


class Lingers(Behaves):
    """Leaves a thread and an exit handler that would keep its process alive for an hour."""

    def fit(self, train, val):
        threading.Thread(target=time.sleep, args=(3600,)).start()
        atexit.register(time.sleep, 3600)


class Detaches(Behaves):
    """Starts a process in a session of its own that has neither its parent nor its environment."""

    def fit(self, train, val):
        forget = "import os, sys; os.fork() and os._exit(0); os.execve(sys.argv[1], sys.argv[1:], {})"
        sleep = ["-c", "import time; time.sleep(3600)", str(self.context.workdir)]
        subprocess.Popen([sys.executable, "-c", forget, sys.executable, *sleep], start_new_session=True).wait()


class ReadsInput(Behaves):
    def fit(self, train, val):
        input("go on? ")


class LacksMemory(Behaves):
    def fit(self, train, val):
        (self.context.workdir / "checkpoint").touch()
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes")


class Peeks(Behaves):
    """Looks for the truth among the objects of its process."""

    def predict(self, measurements):
        found = [one for one in gc.get_objects() if isinstance(one, Split) and one.name == "test"]
        return found[0].properties[:]


class Reads(Behaves):
    """Reads the truth from the files of the dataset, which nothing prevents."""

    def fit(self, train, val):
        self.train = train

    def predict(self, measurements):
        numbers = {
            key.tobytes(): row
            for shard in self.train.measurements._shards
            for row, key in enumerate(np.load(shard, mmap_mode="r"))
        }
        rows = [numbers[one.tobytes()] for one in measurements]
        return np.load(self.train.properties._shards[0])[rows]


class Overwrites(Behaves):
    """Makes the truth what it predicts."""

    def fit(self, train, val):
        for shard in train.properties._shards:
            maps = np.load(shard, mmap_mode="r+")
            maps[:] = 2000
            maps.flush()


class Rewrites(Behaves):
    """Uses its diagnostics, which are given the truth, to change the predictions."""

    def diagnostics(self, test):
        (folder,) = Path("results/runs").glob(".*-x-rewrites-*.attempt")
        np.savez(folder / "predictions.npz", ids=np.array(test.ids), prediction=test.properties[:])
        return {}


class Stumbles(Behaves):
    def diagnostics(self, test):
        raise ValueError("no idea")


class Large(Behaves):
    """Saves more than a small disk holds."""

    def save(self, path):
        with atomic_write(path / "model.bin") as stream:
            for _ in range(16):
                stream.write(bytes(2**20))


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
        Lingers,
        Detaches,
        ReadsInput,
        LacksMemory,
        Peeks,
        Reads,
        Overwrites,
        Rewrites,
        Stumbles,
        Large,
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
