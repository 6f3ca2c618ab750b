"""Plugin with methods that report losses, hooks that write what they are told to a file, and a logger that does."""

import json
import os
from pathlib import Path

import numpy as np

from fwibench import LoggerSpec, MethodSpec, hookimpl
from fwibench.methods.base import Method
from fwibench.methods.complexity import Complexity


class Learns(Method):
    """A method whose history is what it reports, and a further report within the fit."""

    def fit(self, train, val):
        for epoch in range(1, 4):
            entry = {"train_loss": 1 / (3 * epoch), "val_loss": 2.0 / epoch}
            self.history.append(entry)
            self.context.report(step=epoch, steps=3, **entry)

    def predict(self, measurements):
        return np.full((len(measurements), *self.problem.property_shape), 2000, np.float32)

    def complexity(self):
        return Complexity()

    def save(self, path):
        pass

    def load(self, path):
        pass


class Fails(Learns):
    def fit(self, train, val):
        self.context.report(step=1, steps=2, train_loss=float("nan"))
        raise RuntimeError("fit failed")


@hookimpl
def fwibench_methods():
    for name, target in (("x-learns", "Learns"), ("x-fails", "Fails")):
        yield MethodSpec(name=name, summary="x", target=f"{__name__}:{target}", kind="learned", needs_fit=True)


class Lines:
    """Writes a line for each call."""

    def __init__(self, path):
        self._path = Path(path)

    def _write(self, *words):
        with self._path.open("a") as stream:
            stream.write(json.dumps(words) + "\n")

    @hookimpl
    def fwibench_cell_started(self, started):
        self._write("started", started.run, started.cell["method"], str(started.results))

    @hookimpl
    def fwibench_report(self, report):
        self._write(report.stage, report.run, dict(report.scalars))

    @hookimpl
    def fwibench_cell_finished(self, record, run):
        self._write("finished", run, record["status"])

    def close(self):
        self._write("closed", "")


@hookimpl
def fwibench_loggers():
    yield LoggerSpec(name="lines", summary="lines", target=f"{__name__}:Lines", takes="folder", api="1.4")
    yield LoggerSpec(name="absent", summary="needs pip install absent", target="a:b", needs=("no_such_module",))
    yield LoggerSpec(name="misspelt", summary="a wrong hook", target=f"{__name__}:Misspelt")


class Misspelt:
    def __init__(self, destination):
        pass

    @hookimpl
    def fwibench_reports(self, report):
        pass


if raising := os.environ.get("RAISING"):
    # hooks of a module are called in every run

    @hookimpl
    def fwibench_cell_started(started):
        raise RuntimeError(raising)

    @hookimpl
    def fwibench_report(report):
        raise RuntimeError(raising)

    @hookimpl
    def fwibench_cell_finished(record):
        raise RuntimeError(raising)
