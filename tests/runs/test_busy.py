"""Cells on machines that do other work too."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fwibench.boards.board import make_board
from fwibench.boards.tables import make_tables
from fwibench.cli.commands.show import _fit, _load
from fwibench.methods.context import FIT_THREADS
from fwibench.runs.artefacts.record import Costs, Record
from fwibench.runs.machine import load
from fwibench.runs.machine.load import Load, LoadMeter
from fwibench.runs.processes.variables import OPENBLAS_WAITING, OPENMP_WAITING, bounded_waiting, child_environment
from fwibench.runs.reproduction.repeat import same_threads
from tests.boards.records import builtin_columns, leave
from tests.conftest import Command


@pytest.fixture
def nothing_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*OPENMP_WAITING, *OPENBLAS_WAITING, FIT_THREADS, "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("nothing_chosen")
@pytest.mark.parametrize("name", [*OPENMP_WAITING, *OPENBLAS_WAITING])
def test_a_child_does_not_spin_unless_the_user_says_so(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = bounded_waiting(os.environ)
    assert ours == {"OMP_WAIT_POLICY": "PASSIVE", "OPENBLAS_THREAD_TIMEOUT": "10"}
    assert child_environment().items() >= ours.items()
    monkeypatch.setenv(name, "7")
    group, other = (OPENMP_WAITING, OPENBLAS_WAITING) if name in OPENMP_WAITING else (OPENBLAS_WAITING, OPENMP_WAITING)
    found = child_environment()
    assert {one: found[one] for one in group if one in found} == {name: "7"}
    assert any(one in found for one in other), "the other library is bounded all the same"


def test_variables_of_the_user_reach_the_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MALLOC_MMAP_MAX_", "5")
    assert child_environment()["MALLOC_MMAP_MAX_"] == "5"


WAITING = """
import os, sys
from fwibench import MethodSpec, hookimpl
from fwibench.methods.base import Method
from fwibench.methods.complexity import Complexity
import numpy as np

class Tells(Method):
    def predict(self, measurements):
        print("WAITING", os.environ.get("OMP_WAIT_POLICY"), os.environ.get("OPENBLAS_THREAD_TIMEOUT"))
        return np.full((len(measurements), *self.problem.property_shape), 2000, np.float32)

    def complexity(self):
        return Complexity()

    def save(self, path):
        pass

    def load(self, path):
        pass

@hookimpl
def fwibench_methods():
    return [MethodSpec(name="x-tells", summary="for tests", target="tells:Tells", kind="baseline")]
"""


@pytest.mark.usefixtures("salt", "nothing_chosen")
def test_a_cell_runs_with_bounded_waiting_and_records_the_load(
    fwibench: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "tells.py").write_text(WAITING)
    arguments = ("run", "--methods", "x-tells,invlint", "--dataset", "salt", "--profile", "smoke")
    monkeypatch.setenv("FWIBENCH_PLUGINS_DIR", str(folder))
    done = fwibench(*arguments, "--set", "invlint.epochs=1", **{FIT_THREADS: "1", "KMP_BLOCKTIME": "3"})
    assert done.returncode == 0, done.stderr
    runs = [(json.loads(path.read_text()), path) for path in tmp_path.glob("results/runs/*/record.json")]
    records = {record["cell"]["method"]: record for record, _ in runs}
    logs = {record["cell"]["method"]: path.with_name("log.txt").read_text() for record, path in runs}
    assert "WAITING None 10" in logs["x-tells"]
    assert records["invlint"]["costs"]["fit_threads"] == 1
    assert records["x-tells"]["costs"]["fit_threads"] is None
    for record in records.values():
        assert record["load"]["cores"] == len(os.sched_getaffinity(0))
        assert 0 <= record["load"]["others"] <= record["load"]["cores"] * 1.1
        assert record["load"]["start"] is not None
    shown = fwibench("show", "x-tells")
    assert "other processes used" in shown.stdout


def test_the_commands_own_process_does_not_spin_either(fwibench: Command) -> None:
    code = "import os, sys; from fwibench.cli.app import main\ntry: main(['--version'])\nexcept SystemExit: pass\n"
    environment = {key: value for key, value in os.environ.items() if key not in OPENMP_WAITING}
    done = subprocess.run(
        [sys.executable, "-c", code + "print(os.environ['OMP_WAIT_POLICY'], 'torch' in sys.modules)"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split()[-2:] == ["PASSIVE", "False"]


def stat(busy: int, idle: int) -> str:
    """/proc/stat of cores 0 to 63; their fields are user, nice, system, idle, iowait, irq, softirq, steal, guest."""
    lines = [f"cpu{number} {busy} 0 0 {idle} 500 0 0 {busy} {busy}" for number in range(64)]
    return "\n".join(["cpu 9 9 9 9", *lines, "intr 5"]) + "\n"


def test_the_cpu_time_of_other_processes_is_what_is_not_ours(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file, now, own = tmp_path / "stat", [100.0], [7.0]
    monkeypatch.setattr(load, "Path", lambda name: file)
    monkeypatch.setattr(load.os, "sched_getaffinity", lambda pid: {3, 40})
    monkeypatch.setattr(load.os, "sysconf", lambda name: 100)
    monkeypatch.setattr(load.time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(load, "_own_seconds", lambda: own[0])
    file.write_text(stat(busy=1000, idle=0))
    meter = LoadMeter()
    now[0], own[0] = 110.0, 15.0
    # 2 cores at work for 3 s, and taken by another guest for as long, in 10 s: 12 s less 8 s of our own
    file.write_text(stat(busy=1300, idle=800))
    found = meter.read()
    assert found.others == pytest.approx(0.4)
    assert found.cores == 2
    assert found.busy


@pytest.mark.parametrize(("others", "busy"), [(None, False), (0.0, False), (0.19, False), (0.21, True), (1.9, True)])
def test_a_machine_is_busy_where_others_use_a_tenth(others: float | None, busy: bool) -> None:
    assert Load(cores=2, others=others).busy is busy


def test_a_quota_takes_no_core_away_from_those_that_are_watched(monkeypatch: pytest.MonkeyPatch) -> None:
    """What others use is counted on all of them, so the share must be of all of them."""
    cores = LoadMeter().read().cores
    assert cores == (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count())
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    assert LoadMeter().read().cores == cores


def test_a_system_that_tells_nothing_leaves_the_load_open(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(load, "Path", lambda name: tmp_path / "absent")
    monkeypatch.delattr(load.os, "getloadavg")
    found = LoadMeter().read()
    assert (found.others, found.start, found.end, found.busy) == (None, None, None, False)


def test_times_of_a_busy_machine_are_marked(tmp_path: Path) -> None:
    costs: dict[str, Any] = {"costs": Costs(fit_s=30.0, predict_ms_cpu1=2.0, fit_threads=1)}
    loads = Load(cores=2, others=0.01, start=0.5, end=1.5), Load(cores=2, others=0.9, start=1.5, end=2.5)
    records = [
        leave(tmp_path, name, [error] * 8, load=one, **costs)
        for name, error, one in zip(("quiet", "beside"), (1.0, 2.0), loads, strict=True)
    ]
    records.append(leave(tmp_path, "older", [3.0] * 8, **costs))
    board = make_board(records, builtin_columns())
    (table,) = make_tables(board.rows)
    fits = {row[1]: row[list(table.header).index("fit")] for row in table.rows}
    latencies = {row[1]: row[list(table.header).index("predict [ms]")] for row in table.rows}
    assert fits == {"quiet": "30.0s", "beside": "30.0s*", "older": "30.0s"}
    assert latencies["beside"] == "2.00*"
    assert sum(note.startswith("*: ") for note in board.notes) == 1
    quiet, beside, older = records
    assert (_fit(quiet), _fit(beside)) == ("30.0s (1 thread)", "30.0s (1 thread, on a busy machine)")
    assert "used 0.90 of 2 cores; all times are longer" in _load(beside.load)
    assert _load(older.load) == ""
    assert not any(note.startswith("*") for note in make_board([quiet, older], builtin_columns()).notes)


@pytest.mark.usefixtures("nothing_chosen")
def test_a_run_made_again_takes_the_threads_of_the_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def made(**changes: Any) -> Record:
        return leave(tmp_path, "any", [1.0], **changes)

    with same_threads(made(costs=Costs(fit_threads=1))):
        assert os.environ[FIT_THREADS] == "1"
    assert FIT_THREADS not in os.environ
    with same_threads(made(environment={"threads": 8})):
        assert os.environ[FIT_THREADS] == "8", "fits took all threads before their number was recorded"
    with same_threads(made(), made(costs=Costs(fit_threads=3))):
        assert os.environ[FIT_THREADS] == "3", "that of the run it builds on"
    with same_threads(made()):
        assert FIT_THREADS not in os.environ
    monkeypatch.setenv("OMP_NUM_THREADS", "2")
    with same_threads(made(costs=Costs(fit_threads=1))):
        assert FIT_THREADS not in os.environ, "the user decides"
