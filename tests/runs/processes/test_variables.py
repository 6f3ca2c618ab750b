"""Environment variables of child processes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from fwibench.methods.context import FIT_THREADS
from fwibench.runs.processes.variables import OPENBLAS_WAITING, OPENMP_WAITING, bounded_waiting, child_environment
from tests.conftest import Command


@pytest.fixture
def nothing_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (*OPENMP_WAITING, *OPENBLAS_WAITING, FIT_THREADS, "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.usefixtures("nothing_chosen")
@pytest.mark.parametrize("name", [*OPENMP_WAITING, *OPENBLAS_WAITING])
def test_child_threads_do_not_spin_unless_user_sets_variable(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = bounded_waiting(os.environ)
    assert ours == {"OMP_WAIT_POLICY": "PASSIVE", "OPENBLAS_THREAD_TIMEOUT": "10"}
    assert child_environment().items() >= ours.items()
    monkeypatch.setenv(name, "7")
    group, other = (OPENMP_WAITING, OPENBLAS_WAITING) if name in OPENMP_WAITING else (OPENBLAS_WAITING, OPENMP_WAITING)
    found = child_environment()
    assert {one: found[one] for one in group if one in found} == {name: "7"}
    assert any(one in found for one in other), "the waiting of the other library is still bounded"


def test_user_variables_are_passed_to_child(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MALLOC_MMAP_MAX_", "5")
    assert child_environment()["MALLOC_MMAP_MAX_"] == "5"


WAITING = """
import os, sys
from fwibench import MethodSpec, hookimpl
from fwibench.methods.base import Method
from fwibench.methods.complexity import Complexity
import numpy as np

class Prints(Method):
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
    return [MethodSpec(name="x-prints", summary="for tests", target="prints:Prints", kind="baseline")]
"""


@pytest.mark.usefixtures("salt", "nothing_chosen")
@pytest.mark.slow
def test_cell_runs_with_bounded_waiting_and_records_load(
    fwibench: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "plugins"
    folder.mkdir()
    (folder / "prints.py").write_text(WAITING)
    arguments = ("run", "--methods", "x-prints,invlint", "--dataset", "salt", "--profile", "smoke")
    monkeypatch.setenv("FWIBENCH_PLUGINS_DIR", str(folder))
    done = fwibench(*arguments, "--set", "invlint.epochs=1", **{FIT_THREADS: "1", "KMP_BLOCKTIME": "3"})
    assert done.returncode == 0, done.stderr
    runs = [(json.loads(path.read_text()), path) for path in tmp_path.glob("results/runs/*/record.json")]
    records = {record["cell"]["method"]: record for record, _ in runs}
    logs = {record["cell"]["method"]: path.with_name("log.txt").read_text() for record, path in runs}
    assert "WAITING None 10" in logs["x-prints"]
    assert records["invlint"]["costs"]["fit_threads"] == 1
    assert records["x-prints"]["costs"]["fit_threads"] is None
    for record in records.values():
        assert record["load"]["cores"] == len(os.sched_getaffinity(0))
        assert 0 <= record["load"]["others"] <= record["load"]["cores"] * 1.1
        assert record["load"]["start"] is not None
    shown = fwibench("show", "x-prints")
    assert "other processes used" in shown.stdout


def test_command_process_does_not_spin(fwibench: Command) -> None:
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
