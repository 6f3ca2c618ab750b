"""Observation of a method in a child process.

Invariant: the parent survives whatever the method does. Beginning and end of each phase are logged, so that a phase
without an end is the one in which the process was killed or hung.

Run as `python -m fwibench.testing.probe FOLDER`; the folder holds `job.pickle` and receives `phases.jsonl`.
"""

from __future__ import annotations

import dataclasses
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
FOLDERS = ("here", "home", "temporary")
"""Empty folders that serve as working directory, home and temporary folder of the process."""
TORCH_CACHE = "TORCHINDUCTOR_CACHE_DIR"
"""Variable with a folder that torch creates when an optimiser is first used."""
PHASE_LIMIT_S = 300.0
"""Longest duration of a phase, except `stop` [s]."""
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
"""Flags of files that are opened for writing."""
TARGET_OF = {"os.mkdir": 0, "os.rmdir": 0, "os.remove": 0, "os.truncate": 0, "os.rename": 1, "os.link": 1}
"""Audit events that change the file system, with the index of the argument that is the path."""


@dataclass
class Job:
    """The input of the child process.

    Attributes:
        spec: Spec of the method.
        options: Options of profile smoke.
        full_options: Default options, for the phase `stop`.
        problem: The problem.
        arrays: Measurements and properties of `train`, `val` and `test`.
        base: Spec and options of the method that this one builds on, and the folders of its fitted models; None without
            one.
        deadline_s: Time until the deadline in the phase `stop` [s].
        grace_s: Time from the deadline until the process is killed [s].
    """

    spec: MethodSpec
    options: Any
    full_options: Any
    problem: Problem
    arrays: dict[str, tuple[Array32, Array32]] = field(repr=False)
    base: tuple[MethodSpec, Any, tuple[Path, ...]] | None
    deadline_s: float
    grace_s: float


@dataclass
class Report:
    """The output of the child process.

    Attributes:
        phases: Log entries of finished phases by name; `error` is empty for a successful one.
        died: Message with the unfinished phase and the exit of the process; empty if all phases finished.
        predictions: Predictions by name of the phase.
    """

    phases: dict[str, dict[str, Any]]
    died: str
    predictions: dict[str, Array32] = field(repr=False)

    def phase(self, name: str) -> dict[str, Any]:
        """Return the log entry of a successful phase; raises `NonconformityError` for a failed or missing one."""
        found = self.phases.get(name)
        require(found is not None, self.died or f"the process ended before {name}")
        if found is not None and found["error"]:
            raise NonconformityError(f"in a spawned process, {name}: {found['error']}")
        return found or {}


def run_probe(job: Job, folder: Path) -> Report:
    """Run a job in a child process and return its report.

    Args:
        job: Input of the process.
        folder: Folder of the files of the process; created.
    """
    for name in (*FOLDERS, "work", "model"):
        (folder / name).mkdir(parents=True)
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
    running = "start"
    for entry in map(json.loads, lines):
        running = entry["phase"]
        if "error" in entry:
            phases[running], running = entry, ""
    died = ""
    if running:
        died = f"in a spawned process, {running}: {_ending(folder, code)}"
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
    """Audit hook that records the paths of written files.

    Args:
        allowed: Folders whose files are not recorded.

    Attributes:
        active: Whether paths are recorded.
        written: Recorded paths.
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
        # Python itself writes compiled modules
        if "__pycache__" not in full and not f"{full}{os.sep}".startswith(self._allowed) and full not in self.written:
            self.written.append(full)


class Probe:
    """Runs the phases of a job.

    Args:
        folder: Folder with the job.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.job: Job = pickle.loads((folder / JOB).read_bytes())
        self.splits = {name: in_memory(name, *arrays) for name, arrays in self.job.arrays.items()}
        self.predictions: dict[str, Array32] = {}
        self.watch = Watch([folder / "work", folder / "model"])
        self._builds = 0

    def run(self) -> None:
        """Run all phases; an exception in one of them does not affect the next ones."""
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
        """Import the implementation."""
        self.job.spec.load()
        disturb(1)
        self.before = global_state()
        return {}

    def fit(self) -> dict[str, Any]:
        """Build, fit, predict and save."""
        method = self._build(self.job.options)
        method.fit(self.splits["train"], self.splits["val"])
        self.predictions["fit"] = self._predict(method)
        method.complexity()
        method.save(self.folder / "model")
        return {}

    def repeat(self) -> dict[str, Any]:
        """Repeat the phase `fit`, and find what it changes in the global state.

        Changes by imports of libraries occurred in the first run and are undone before the second one, in which only
        changes by the method itself occur again.
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
        """Find files outside of the allowed folders."""
        left = [str(path) for name in FOLDERS for path in (self.folder / name).rglob("*")]
        found = sorted({*self.watch.written, *left})
        for name in FOLDERS:
            found = [path.replace(str(self.folder / name), f"<{name}>", 1) for path in found]
        return {"written": found}

    def stop(self) -> dict[str, Any]:
        """Fit with default options until a short deadline, and predict after it."""
        deadline = time.monotonic() + self.job.deadline_s
        method = self._build(self.job.full_options, deadline)
        method.fit(self.splits["train"], self.splits["val"])
        # a fit may finish before the deadline
        time.sleep(max(deadline - time.monotonic(), 0.0))
        self.predictions["stop"] = self._predict(method)
        return {}

    def _build(self, options: Any, deadline: float | None = None) -> Method:
        self._builds += 1
        workdir = self.folder / "work" / str(self._builds)
        workdir.mkdir()
        spec, members = self.job.spec, []
        context = RunContext(workdir=workdir, dataset="tiny", method=spec.name, deadline=deadline)
        if self.job.base:
            below, chosen, models = self.job.base
            for model in models:
                members.append(construct(below, self.job.problem, chosen, context))
                members[-1].load(model)
        if members:
            context = dataclasses.replace(context, base=members[0], members=tuple(members))
        return construct(spec, self.job.problem, options, context)

    def _predict(self, method: Method) -> Array32:
        test = self.splits["test"]
        return np.asarray(predict(self.job.spec, method, test.measurements[:], test.properties[:]))


def construct(spec: MethodSpec, problem: Problem, options: Any, context: RunContext) -> Method:
    """Build a method.

    Args:
        spec: Spec of the method.
        problem: The problem.
        options: Validated options.
        context: The context.

    Raises:
        NonconformityError: The target of the spec is not a subclass of `Method`.
    """
    implementation = spec.load()
    is_method = isinstance(implementation, type) and issubclass(implementation, Method)
    require(is_method, f"{spec.target} is not a subclass of fwibench.methods.base.Method")
    method: Method = implementation(problem, options, context)
    return method


def predict(spec: MethodSpec, method: Method, measurements: Array32, truth: Array32) -> Array32:
    """Return the predictions of a method, which receives the true maps first on the track `oracle-start`.

    Args:
        spec: Spec of the method.
        method: The method.
        measurements: Raw amplitudes `(n, S, T, R)`.
        truth: True maps `(n, 1, Z, X)`.
    """
    if spec.track == "oracle-start":
        method.reveal(truth.copy())
    return method.predict(measurements)


if __name__ == "__main__":
    try:
        Probe(Path(sys.argv[1])).run()
    except FwibenchError as problem:
        sys.exit(describe(problem))
