"""Plugin with faulty methods and metrics for tests, and a correct method, `x-constant`."""

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


class Constant(Method):
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


class FailsToBuild(Constant):
    def __init__(self, problem, options, context):
        raise ValueError("unsupported")


class Raises(Constant):
    def fit(self, train, val):
        raise RuntimeError("fit failed")


class Hangs(Constant):
    def fit(self, train, val):
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)", self.context.workdir])
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        time.sleep(3600)


class ReturnsNan(Constant):
    def predict(self, measurements):
        out = super().predict(measurements)
        out[0, 0, 0, 0] = np.nan
        return out


class ReturnsOtherShape(Constant):
    def predict(self, measurements):
        return super().predict(measurements)[:, 0]


class Exits(Constant):
    def fit(self, train, val):
        sys.exit(0)


class ExitsHard(Constant):
    def fit(self, train, val):
        os._exit(0)


class Segfaults(Constant):
    def fit(self, train, val):
        os.kill(os.getpid(), signal.SIGSEGV)


class IsKilled(Constant):
    def fit(self, train, val):
        (self.context.workdir / "checkpoint").touch()
        os.kill(os.getpid(), signal.SIGKILL)


class RunsOutOfMemory(Constant):
    def fit(self, train, val):
        raise MemoryError("asked for too much")


class LeavesThread(Constant):
    """Starts a thread and an exit handler that would keep the process running for an hour."""

    def fit(self, train, val):
        threading.Thread(target=time.sleep, args=(3600,)).start()
        atexit.register(time.sleep, 3600)


class StartsDetached(Constant):
    """Starts a process in another session, without its parent and environment."""

    def fit(self, train, val):
        forget = "import os, sys; os.fork() and os._exit(0); os.execve(sys.argv[1], sys.argv[1:], {})"
        sleep = ["-c", "import time; time.sleep(3600)", str(self.context.workdir)]
        subprocess.Popen([sys.executable, "-c", forget, sys.executable, *sleep], start_new_session=True).wait()


class ReadsInput(Constant):
    def fit(self, train, val):
        input("go on? ")


class LacksMemory(Constant):
    def fit(self, train, val):
        (self.context.workdir / "checkpoint").touch()
        raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes")


class SearchesMemory(Constant):
    """Searches the objects of its process for the truth."""

    def predict(self, measurements):
        found = [one for one in gc.get_objects() if isinstance(one, Split) and one.name == "test"]
        return found[0].properties[:]


class ReadsTruth(Constant):
    """Reads the truth from the files of the dataset, which is not prevented."""

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


class OverwritesTruth(Constant):
    """Overwrites the true maps in the files of the dataset with its predictions."""

    def fit(self, train, val):
        for shard in train.properties._shards:
            maps = np.load(shard, mmap_mode="r+")
            maps[:] = 2000
            maps.flush()


class RewritesPredictions(Constant):
    """Replaces the predictions by the truth in its diagnostics."""

    def diagnostics(self, test):
        (folder,) = Path("results/runs").glob(".*-x-rewritespredictions-*.attempt")
        np.savez(folder / "predictions.npz", ids=np.array(test.ids), prediction=test.properties[:])
        return {}


class FailsToDiagnose(Constant):
    def diagnostics(self, test):
        raise ValueError("no diagnostics")


class Large(Constant):
    """Saves a model that is larger than the small disk."""

    def save(self, path):
        with atomic_write(path / "model.bin") as stream:
            for _ in range(16):
                stream.write(bytes(2**20))


class Unreliable(Constant):
    def fit(self, train, val):
        self.history = [{"epoch": 1, "train_loss": float("inf"), "val_loss": 0.5}]
        if os.environ.get("FIT_FAILS"):
            raise RuntimeError("fit failed this time")


class Fills(Constant):
    def fit(self, train, val):
        np.ones(4 * 10**9, np.uint8)


class Meets(Constant):
    def fit(self, train, val):
        """Wait until the fit of another cell of this method has begun."""
        (self.context.workdir / "begun").touch()
        runs = self.context.workdir.parent.parent
        deadline = time.monotonic() + 120
        while len(list(runs.glob("*-x-meets-*/work/begun"))) < 2 and time.monotonic() < deadline:
            time.sleep(0.02)
        if time.monotonic() >= deadline:
            raise RuntimeError("no other cell ran at the same time")
        # the other one is about to look
        time.sleep(1)


class Options(Frozen):
    seconds: float = 0.0


class Named(Frozen):
    other: str = ""


class Based(Frozen):
    base: str = "x-slow"


class Slow(Constant):
    def fit(self, train, val):
        (self.context.workdir / "begun").touch()
        self.context.report(step=1, steps=2, loss=0.5)
        time.sleep(self.options.seconds)


def overwrites(prediction, truth, problem):
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
        Constant,
        FailsToBuild,
        Raises,
        Hangs,
        ReturnsNan,
        ReturnsOtherShape,
        Exits,
        ExitsHard,
        Segfaults,
        RunsOutOfMemory,
        IsKilled,
        LeavesThread,
        StartsDetached,
        ReadsInput,
        LacksMemory,
        SearchesMemory,
        ReadsTruth,
        OverwritesTruth,
        RewritesPredictions,
        FailsToDiagnose,
        Large,
        Fills,
        Unreliable,
    ):
        yield spec("x-" + kind.__name__.lower(), kind)
    yield spec("x-slow", Slow, options=Options)
    yield spec("x-meets", Meets, options=Named)
    yield spec("x-builds", Constant, options=Based, builds_on="base")
    yield spec("x-em", Constant, measurements=("em",))
    yield spec("x-simulates", Constant, physics=("electromagnetic",))
    yield spec("x-gpu", Constant, devices=("cuda",))


@hookimpl
def fwibench_metrics():
    return [
        MetricSpec(name="x-" + name, summary="for tests", target=f"faulty:{name}", better="low", default=False)
        for name in ("overwrites", "miscounts", "counts")
    ]
