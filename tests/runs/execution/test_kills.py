"""Commands killed at random moments lose no finished run and leave no process, and the next command works.

`make kill-tests` kills 200 times; FWIBENCH_KILLS sets the number, FWIBENCH_KILLS_SEED the random seed.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from fwibench.datasets.base import Dataset
from fwibench.plugins.registry import Registry
from fwibench.runs.artefacts.predictions import read_predictions
from fwibench.runs.artefacts.record import read_record
from fwibench.runs.artefacts.results import Results
from fwibench.runs.opening.datasets import open_dataset

KILLS = int(os.environ.get("FWIBENCH_KILLS", "20"))
SEED = int(os.environ.get("FWIBENCH_KILLS_SEED", "2022"))

METHOD = """
import subprocess, sys
import numpy as np
from fwibench import MethodSpec, hookimpl
from fwibench.methods.base import Method
from fwibench.methods.complexity import Complexity


class Quick(Method):
    def fit(self, train, val):
        sleep = [sys.executable, "-S", "-c", "import time; time.sleep(600)", str(self.context.workdir)]
        subprocess.Popen(sleep, start_new_session=True)
        (self.context.workdir / "checkpoint").write_text("x")

    def predict(self, measurements):
        return np.full((len(measurements), *self.problem.property_shape), 2000 + self.context.repetition, np.float32)

    def complexity(self):
        return Complexity()

    def save(self, path):
        (path / "weights").write_text("x")

    def load(self, path):
        pass


@hookimpl
def fwibench_methods():
    return [MethodSpec(name="x-quick", summary="for tests", target="quick:Quick", kind="baseline")]
"""


def descendants(process: int) -> list[int]:
    """Return the descendants of a process."""
    parents: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(path.read_bytes().rpartition(b")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            continue
        parents.setdefault(parent, []).append(int(path.parent.name))
    found, waiting = [], [process]
    while waiting:
        children = parents.get(waiting.pop(), [])
        found += children
        waiting += children
    return found


def running_in(text: str) -> list[str]:
    """Return the command lines of processes that use a folder; zombies have none."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            line = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            inside = text in line or text in os.readlink(path / "cwd")
        except OSError:
            continue
        if line and inside and int(path.name) != os.getpid():
            found.append(line)
    return found


@dataclass
class KillTest:
    """Results folder in which commands are killed.

    Attributes:
        finished: MAE of each finished run, which must be kept.
        number: Number of the last repetition.
    """

    folder: Path
    rng: random.Random
    finished: dict[str, float | None] = field(default_factory=dict)
    number: int = 1
    durations: dict[str, float] = field(default_factory=dict)
    ends: Counter[str] = field(default_factory=Counter)

    @property
    def results(self) -> Results:
        return Results(self.folder / "results")

    def start(self, *arguments: str, data: Path | None = None) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "fwibench", *arguments],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            env={**os.environ, **({"FWIBENCH_DATA": str(data)} if data else {})},
        )

    def run_command(self, *arguments: str, data: Path | None = None) -> float:
        start = time.monotonic()
        child = self.start(*arguments, data=data)
        out, _ = child.communicate(timeout=300)
        assert child.returncode == 0, f"{arguments}\n{out}"
        return time.monotonic() - start

    def remember_finished(self) -> None:
        """Add the runs that are finished now to those that must be kept."""
        records, faults = self.results.records()
        assert not faults
        self.finished |= {one.run_id: one.scores["mae"] for one in records if one.status == "ok"}

    def check(self) -> None:
        records, faults = self.results.records()
        assert not faults
        found = {one.run_id: one for one in records}
        for run, score in self.finished.items():
            assert found[run].status == "ok"
            assert found[run].scores["mae"] == score
            folder = self.results.folder(found[run].cell)
            assert len(read_predictions(folder).ids) == len(self.results.scores(found[run]).ids)
            assert (folder / "model" / "weights").exists()

    def check_one(self) -> None:
        """Check one finished run while a command works."""
        run = self.rng.choice(list(self.finished))
        names = set(os.listdir(self.results.root / "runs" / run))
        assert "record.json" not in names or {"predictions.npz", "scores.csv", "model"} <= names
        assert read_record(self.results.root / "runs" / run / "record.json").status == "ok"

    def kill(self, what: str, whom: str, arguments: tuple[str, ...], data: Path | None) -> str:
        """Kill a command or its processes at a random moment; check finished runs before and after it."""
        child = self.start(*arguments, data=data)
        moment = time.monotonic() + self.rng.uniform(0, self.durations[what])
        while time.monotonic() < moment and child.poll() is None:
            self.check_one()
            time.sleep(0.02)
        victims = [child.pid, *descendants(child.pid)] if child.poll() is None else []
        if whom == "command":
            victims = victims[:1]
        elif whom == "child":
            victims = [self.rng.choice(victims[1:] or victims)] if victims else []
        for victim in victims:
            try:
                os.kill(victim, signal.SIGKILL)
            except OSError:
                continue
        child.communicate(timeout=300)
        deadline = time.monotonic() + 30
        while (left := running_in(str(self.folder))) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not left
        self.check()
        return f"{what}, {whom}: {'killed' if victims else 'nothing to kill'}"


@pytest.mark.slow
def test_kill_at_any_moment_keeps_finished_runs(
    tmp_path: Path, salt: Dataset, registry: Registry, data_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "quick.py").write_text(METHOD)
    monkeypatch.setenv("FWIBENCH_PLUGINS_DIR", str(tmp_path / "plugins"))
    work = tmp_path / "work"
    work.mkdir()
    subject = KillTest(work, random.Random(SEED))
    run = ("run", "--methods", "x-quick", "--dataset", "salt", "--profile", "smoke")
    subject.durations["run"] = subject.run_command(*run)
    subject.run_command(*run, "--results", "other", "--force")
    subject.remember_finished()
    prepare = ("data", "prepare", "salt", "--profile", "smoke")
    merge, rescore = ("merge", "other", "-o", "results"), ("rescore", "x-quick-s0")
    subject.durations["prepare"] = subject.run_command(*prepare, data=work / "data0")
    subject.durations["merge"] = subject.run_command(*merge)
    subject.durations["rescore"] = subject.run_command(*rescore)
    subject.durations["force"] = subject.durations["run"]
    for turn in range(KILLS):
        what = ("run", "force", "rescore", "merge", "prepare")[turn % 5]
        whom = ("command", "child", "all")[turn // 5 % 3]
        data = None
        if what == "run":
            subject.number += 1
            arguments = (*run, "--first-seed", str(subject.number))
        elif what == "force":
            arguments = (*run, "--force")
        elif what == "prepare":
            data = work / f"data{turn}"
            arguments = prepare
        elif what == "merge":
            # a newer record of an existing run
            for path in work.glob("other/runs/*/record.json"):
                path.write_text(path.read_text().replace('"started": "2', '"started": "3'))
            arguments = merge
        else:
            arguments = rescore
        subject.ends[subject.kill(what, whom, arguments, data)] += 1
        duration = subject.run_command(*(run if what == "force" else arguments), data=data)
        # the load of the machine may have changed
        if what == "prepare":
            subject.durations[what] = 0.5 * (subject.durations[what] + duration)
        elif what != "force":
            subject.durations[what] = duration
            subject.durations["force"] = subject.durations["run"]
        subject.remember_finished()
        subject.check()
        print(f"{turn + 1}: {what}, {whom}", flush=True)
        hidden = [path.name for path in (work / "results" / "runs").glob(".*") if path.name != ".locks"]
        if what in ("run", "force"):
            assert not hidden, "the next run removes leftovers"
            assert not list(work.glob("results/runs/*/work"))
        if data is not None:
            monkeypatch.setenv("FWIBENCH_DATA", str(data))
            assert not open_dataset(registry, "salt", "smoke").verify()
            assert not list(data.rglob("*.tmp"))
            shutil.rmtree(data)
            monkeypatch.setenv("FWIBENCH_DATA", str(data_root))
    print(*(f"{count} x {end}" for end, count in sorted(subject.ends.items())), sep="\n")
    print(f"{KILLS} kills, {len(subject.finished)} finished runs, all there")
