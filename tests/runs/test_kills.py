"""Commands are killed at arbitrary moments: nothing finished is lost, no process is left, and the next command works.

`make kill-tests` kills 200 times; FWIBENCH_KILLS is the number, FWIBENCH_KILLS_SEED another course.
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


def below(process: int) -> list[int]:
    """Processes that a process started, and those that these started."""
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


def alive(text: str) -> list[str]:
    """Command lines of processes that work in a folder; those that have ended and wait to be collected have none."""
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
class Field:
    """A folder with results in which commands are killed.

    Attributes:
        finished: Score of each run that must never get lost.
        number: Of the next repetition.
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

    def must_work(self, *arguments: str, data: Path | None = None) -> float:
        start = time.monotonic()
        child = self.start(*arguments, data=data)
        out, _ = child.communicate(timeout=300)
        assert child.returncode == 0, f"{arguments}\n{out}"
        return time.monotonic() - start

    def note(self) -> None:
        """Whatever is finished now must be so for ever."""
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

    def glance(self) -> None:
        """A quick look at one finished run while a command works."""
        run = self.rng.choice(list(self.finished))
        names = set(os.listdir(self.results.root / "runs" / run))
        assert "record.json" not in names or {"predictions.npz", "scores.csv", "model"} <= names
        assert read_record(self.results.root / "runs" / run / "record.json").status == "ok"

    def kill(self, what: str, whom: str, arguments: tuple[str, ...], data: Path | None) -> str:
        """Starts a command, kills it, or a part of it, and looks after it meanwhile and afterwards."""
        child = self.start(*arguments, data=data)
        moment = time.monotonic() + self.rng.uniform(0, self.durations[what])
        while time.monotonic() < moment and child.poll() is None:
            self.glance()
            time.sleep(0.02)
        victims = [child.pid, *below(child.pid)] if child.poll() is None else []
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
        while (left := alive(str(self.folder))) and time.monotonic() < deadline:
            time.sleep(0.02)
        assert not left
        self.check()
        return f"{what}, {whom}: {'killed' if victims else 'nothing to kill'}"


@pytest.mark.slow
def test_killed_at_any_moment_nothing_finished_is_lost(
    tmp_path: Path, salt: Dataset, registry: Registry, data_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "quick.py").write_text(METHOD)
    monkeypatch.setenv("FWIBENCH_PLUGINS_DIR", str(tmp_path / "plugins"))
    work = tmp_path / "work"
    work.mkdir()
    place = Field(work, random.Random(SEED))
    run = ("run", "--methods", "x-quick", "--dataset", "salt", "--profile", "smoke")
    place.durations["run"] = place.must_work(*run)
    place.must_work(*run, "--results", "other", "--force")
    place.note()
    prepare = ("data", "prepare", "salt", "--profile", "smoke")
    merge, rescore = ("merge", "other", "-o", "results"), ("rescore", "x-quick-s0")
    place.durations["prepare"] = place.must_work(*prepare, data=work / "data0")
    place.durations["merge"] = place.must_work(*merge)
    place.durations["rescore"] = place.must_work(*rescore)
    place.durations["force"] = place.durations["run"]
    for turn in range(KILLS):
        what = ("run", "force", "rescore", "merge", "prepare")[turn % 5]
        whom = ("command", "child", "all")[turn // 5 % 3]
        data = None
        if what == "run":
            place.number += 1
            arguments = (*run, "--first-seed", str(place.number))
        elif what == "force":
            arguments = (*run, "--force")
        elif what == "prepare":
            data = work / f"data{turn}"
            arguments = prepare
        elif what == "merge":
            # a newer record of a run that is there
            for path in work.glob("other/runs/*/record.json"):
                path.write_text(path.read_text().replace('"started": "2', '"started": "3'))
            arguments = merge
        else:
            arguments = rescore
        place.ends[place.kill(what, whom, arguments, data)] += 1
        duration = place.must_work(*(run if what == "force" else arguments), data=data)
        # the machine may be busier than it was, or less
        if what == "prepare":
            place.durations[what] = 0.5 * (place.durations[what] + duration)
        elif what != "force":
            place.durations[what] = duration
            place.durations["force"] = place.durations["run"]
        place.note()
        place.check()
        print(f"{turn + 1}: {what}, {whom}", flush=True)
        hidden = [path.name for path in (work / "results" / "runs").glob(".*") if path.name != ".locks"]
        if what in ("run", "force"):
            assert not hidden, "the next run tidies up"
            assert not list(work.glob("results/runs/*/work"))
        if data is not None:
            monkeypatch.setenv("FWIBENCH_DATA", str(data))
            assert not open_dataset(registry, "salt", "smoke").verify()
            assert not list(data.rglob("*.tmp"))
            shutil.rmtree(data)
            monkeypatch.setenv("FWIBENCH_DATA", str(data_root))
    print(*(f"{count} x {end}" for end, count in sorted(place.ends.items())), sep="\n")
    print(f"{KILLS} kills, {len(place.finished)} finished runs, all there")
