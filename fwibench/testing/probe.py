"""What a method does in a spawned process of its own, where everything it touches can be watched.

Invariant: the parent survives whatever the method does. Each phase is noted when it begins and when it ends, so a
phase without an end tells where a process died or hung.

Run as `python -m fwibench.testing.probe FOLDER`; the folder holds `job.pickle` and receives `phases.jsonl`.
"""

from __future__ import annotations

import faulthandler
import json
import os
import pickle
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from fwibench.errors import FwibenchError
from fwibench.methods.base import Method
from fwibench.methods.context import RunContext
from fwibench.problem import Problem
from fwibench.specs.method import MethodSpec
from fwibench.testing.checks import NonconformityError, describe, require
from fwibench.testing.problems import in_memory
from fwibench.testing.process_state import CHANGED_BY_IMPORTS, IMPORTED_AS, differences, disturb, global_state
from fwibench.testing.specs import import_environment
from fwibench.typing import Array32

JOB, PHASES, PREDICTIONS, LOG = "job.pickle", "phases.jsonl", "predictions.npz", "log.txt"
PLACES = ("here", "home", "temporary")
"""Empty folders that the process takes for its working directory, its home and the system's temporary folder."""
TORCH_CACHE = "TORCHINDUCTOR_CACHE_DIR"
"""Torch makes this folder when an optimiser is first used, whatever a method does."""
PHASE_LIMIT_S = 300.0
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
TARGET_OF = {"os.mkdir": 0, "os.rmdir": 0, "os.remove": 0, "os.truncate": 0, "os.rename": 1, "os.link": 1}
"""Audited calls that change the file system, and which of their arguments says where."""


@dataclass
class Job:
    """What the process is told.

    Attributes:
        arrays: `train`, `val` and `test`, each measurements and properties.
        base_model: Folder of the fitted method that this one builds on, with its spec and options; None without one.
        deadline_s: Seconds after which `should_stop` is true, in the phase that is about it.
        grace_s: Seconds after that at which the process is killed.
    """

    spec: MethodSpec
    options: Any
    full_options: Any
    problem: Problem
    arrays: dict[str, tuple[Array32, Array32]] = field(repr=False)
    base: tuple[MethodSpec, Any, Path] | None
    deadline_s: float
    grace_s: float


@dataclass
class Report:
    """What the process left behind.

    Attributes:
        phases: By name; `error` is None for one that went well.
        died: Phase that has no end, and how the process ended; empty where all phases ended.
        predictions: By the name of the phase that made them.
    """

    phases: dict[str, dict[str, Any]]
    died: str
    predictions: dict[str, Array32] = field(repr=False)

    def phase(self, name: str) -> dict[str, Any]:
        """A phase that went well; raises `NonconformityError` for any other."""
        found = self.phases.get(name)
        require(found is not None, self.died or f"the process ended before it came to {name}")
        if found is not None and found["error"]:
            raise NonconformityError(f"in a spawned process, {name}: {found['error']}")
        return found or {}


def run_probe(job: Job, folder: Path) -> Report:
    """Runs the job in a new process, waits for it, and reads what it left."""
    for place in (*PLACES, "work", "model"):
        (folder / place).mkdir(parents=True)
    (folder / JOB).write_bytes(pickle.dumps(job))
    homes = {name: str(folder / "home") for name in ("HOME", "USERPROFILE", "XDG_CACHE_HOME", "XDG_CONFIG_HOME")}
    with (folder / LOG).open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "fwibench.testing.probe", str(folder)],
            cwd=folder / "here",
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={
                **import_environment(),
                **homes,
                "TMPDIR": str(folder / "temporary"),
                TORCH_CACHE: str(folder / "work"),
            },
        )
        try:
            code = child.wait()
        finally:
            child.kill()
            child.wait()
    return _read(folder, code)


def _read(folder: Path, code: int) -> Report:
    lines = (folder / PHASES).read_text().splitlines() if (folder / PHASES).exists() else []
    phases: dict[str, dict[str, Any]] = {}
    begun = "start"
    for entry in map(json.loads, lines):
        begun = entry["phase"]
        if "error" in entry:
            phases[begun], begun = entry, ""
    died = ""
    if begun:
        died = f"in a spawned process, {begun}: {_ending(folder, code)}"
    stored = folder / PREDICTIONS
    if not stored.exists():
        return Report(phases, died, {})
    with np.load(stored) as content:
        return Report(phases, died, dict(content))


def _ending(folder: Path, code: int) -> str:
    log = (folder / LOG).read_text(errors="replace").strip()
    if code < 0:
        return f"killed by {signal.Signals(-code).name}"
    if log.startswith("Timeout") or "\nTimeout (" in log:
        return "did not return in time and was killed"
    return f"ended with exit code {code}; {(log.splitlines() or ['nothing in its log'])[-1]}"


class Watch:
    """Audit hook that notes where files are written.

    Args:
        allowed: Folders where they may be.
    """

    def __init__(self, allowed: list[Path]) -> None:
        self._allowed = tuple(f"{path}{os.sep}" for path in (*allowed, Path("/dev"), Path("/proc")))
        self.active = False
        self.written: list[str] = []

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """See `sys.addaudithook`."""
        if not self.active:
            return
        if event == "open":
            path, mode, flags = arguments
            writes = any(letter in mode for letter in "wax+") if isinstance(mode, str) else flags & WRITES
            if writes:
                self._note(path)
        elif event in TARGET_OF:
            self._note(arguments[TARGET_OF[event]])

    def _note(self, path: Any) -> None:
        if not isinstance(path, str | bytes | os.PathLike):
            return
        full = os.path.abspath(os.fsdecode(path))
        # compiled modules are Python's own doing
        if "__pycache__" not in full and not f"{full}{os.sep}".startswith(self._allowed) and full not in self.written:
            self.written.append(full)


class Probe:
    """The phases of a job, in their order."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.job: Job = pickle.loads((folder / JOB).read_bytes())
        self.splits = {name: in_memory(name, *arrays) for name, arrays in self.job.arrays.items()}
        self.predictions: dict[str, Array32] = {}
        self.watch = Watch([folder / "work", folder / "model"])
        self._builds = 0

    def run(self) -> None:
        """All phases; one that raises does not keep the next from running."""
        sys.addaudithook(self.watch)
        phases = {"load": self.load, "fit": self.fit, "repeat": self.repeat, "files": self.files, "stop": self.stop}
        for name, phase in phases.items():
            self._phase(name, phase)
            np.savez(self.folder / PREDICTIONS, **self.predictions)  # type: ignore[arg-type]

    def _phase(self, name: str, phase: Callable[[], dict[str, Any]]) -> None:
        self._note({"phase": name})
        limit = self.job.deadline_s + self.job.grace_s if name == "stop" else PHASE_LIMIT_S
        faulthandler.dump_traceback_later(limit, exit=True)
        self.watch.active = name in ("load", "fit", "repeat")
        start = time.monotonic()
        try:
            found, error = phase(), ""
        except (Exception, SystemExit) as problem:
            found, error = {}, describe(problem)
        seconds = time.monotonic() - start
        self.watch.active = False
        faulthandler.cancel_dump_traceback_later()
        self._note({"phase": name, "error": error, "seconds": seconds, **found})

    def _note(self, entry: dict[str, Any]) -> None:
        with (self.folder / PHASES).open("a") as stream:
            stream.write(json.dumps(entry) + "\n")

    def load(self) -> dict[str, Any]:
        """Imports the implementation."""
        self.job.spec.load()
        disturb(1)
        self.before = global_state()
        return {}

    def fit(self) -> dict[str, Any]:
        """A method from its constructor to its saved model."""
        method = self._build(self.job.options)
        method.fit(self.splits["train"], self.splits["val"])
        self.predictions["fit"] = self._predict(method)
        method.complexity()
        method.save(self.folder / "model")
        return {}

    def repeat(self) -> dict[str, Any]:
        """The same again, for what it changes in the process.

        What libraries change when they are first imported has happened by now and is undone here; a method that
        changes it by itself does so again.
        """
        os.environ.clear()
        os.environ.update(self.before["environment"])
        warnings.resetwarnings()
        disturb(2)
        between = global_state()
        self.fit()
        again = self._build(self.job.options)
        again.load(self.folder / "model")
        after = global_state()
        imported = {name: value for name, value in IMPORTED_AS.items() if name in between}
        apart = {name: between[name] for name in CHANGED_BY_IMPORTS if name in between}
        return {"changed": differences({**between, **self.before, **imported, **apart}, after)}

    def files(self) -> dict[str, Any]:
        """What was written where it must not be."""
        left = [str(path) for place in PLACES for path in (self.folder / place).rglob("*")]
        places = {str(self.folder / place): place for place in PLACES}
        found = sorted({*self.watch.written, *left})
        for path, place in places.items():
            found = [one.replace(path, f"<{place}>", 1) for one in found]
        return {"written": found}

    def stop(self) -> dict[str, Any]:
        """A fit at full effort under a deadline that passes soon, and a prediction after it has passed."""
        deadline = time.monotonic() + self.job.deadline_s
        method = self._build(self.job.full_options, deadline)
        method.fit(self.splits["train"], self.splits["val"])
        # a fit that was through before meets the deadline at predict
        time.sleep(max(deadline - time.monotonic(), 0.0))
        self.predictions["stop"] = self._predict(method)
        return {}

    def _build(self, options: Any, deadline: float | None = None) -> Method:
        self._builds += 1
        workdir = self.folder / "work" / str(self._builds)
        workdir.mkdir()
        spec, base = self.job.spec, None
        if self.job.base:
            below, chosen, model = self.job.base
            base = construct(below, self.job.problem, chosen, RunContext(workdir=workdir, method=below.name))
            base.load(model)
        context = RunContext(workdir=workdir, dataset="tiny", method=spec.name, deadline=deadline, base=base)
        return construct(spec, self.job.problem, options, context)

    def _predict(self, method: Method) -> Array32:
        test = self.splits["test"]
        return np.asarray(predict(self.job.spec, method, test.measurements[:], test.properties[:]))


def construct(spec: MethodSpec, problem: Problem, options: Any, context: RunContext) -> Method:
    """Builds a method; raises `NonconformityError` where the target is no method."""
    implementation = spec.load()
    is_method = isinstance(implementation, type) and issubclass(implementation, Method)
    require(is_method, f"{spec.target} is not a subclass of fwibench.methods.base.Method")
    method: Method = implementation(problem, options, context)
    return method


def predict(spec: MethodSpec, method: Method, measurements: Array32, truth: Array32) -> Array32:
    """Predicts; a method on the oracle's track is shown the truth first, as a run does."""
    if spec.track == "oracle-start":
        method.reveal(truth.copy())
    return method.predict(measurements)


if __name__ == "__main__":
    try:
        Probe(Path(sys.argv[1])).run()
    except FwibenchError as problem:
        sys.exit(describe(problem))
