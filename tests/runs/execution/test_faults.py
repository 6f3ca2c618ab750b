"""Faulty methods, metrics and datasets affect only their own cells."""

import json
from pathlib import Path

import pytest

from tests.conftest import Command
from tests.plugins.broken_plugins import FAULTS
from tests.runs.commands import COMMON, rows, running

pytestmark = pytest.mark.usefixtures("faulty_plugin")


OUTCOMES = {
    "x-constant": ("ok", ""),
    "x-failstobuild": ("failed", "ValueError: unsupported"),
    "x-raises": ("failed", "RuntimeError: fit failed"),
    "x-returnsnan": ("diverged", "values that are not finite in 1 of 3 samples"),
    "x-returnsothershape": ("failed", "predict returned shape (3, 40, 60), expected (3, 1, 40, 60)"),
    "x-exits": ("failed", "the method ended its process with exit code 0"),
    "x-exitshard": ("failed", "the process exited with code 0 before the cell was done"),
    "x-segfaults": ("failed", "the process was killed by SIGSEGV"),
    "x-iskilled": ("failed", "killed by SIGKILL, as the system does when memory runs out"),
    "x-runsoutofmemory": ("oom", "MemoryError: asked for too much"),
    "x-em": ("skipped", "x-em accepts em data, salt is seismic"),
    "x-simulates": ("skipped", "x-simulates simulates with electromagnetic physics, salt has acoustic physics"),
    "x-gpu": ("skipped", "x-gpu runs on cuda only, --device is cpu"),
    "mean-map": ("ok", ""),
}


@pytest.mark.slow
def test_memory_beyond_the_limit_is_out_of_memory(fwibench: Command, tmp_path: Path) -> None:
    methods = ("--methods", "x-fills,x-constant", *COMMON, "--memory-limit")
    done = fwibench("run", *methods, "2GB", "--json")
    assert done.returncode == 1, done.stderr
    assert {name: row["status"] for name, row in rows(done.stdout).items()} == {"x-fills": "oom", "x-constant": "ok"}
    for wrong in ("2", "1MB", "lots"):
        assert "is not an amount of memory" in fwibench("run", *methods, wrong).stderr


FAILING_HOOK = """
from fwibench import hookimpl

@hookimpl
def fwibench_cell_finished(record):
    print(record["status"])
    raise RuntimeError("hook failed")
"""


def test_each_faulty_method_fails_only_its_cell(fwibench: Command, tmp_path: Path) -> None:
    for number, (_, _, source) in enumerate(FAULTS.values()):
        (tmp_path / "plugins" / f"broken_{number}.py").write_text(source)
    (tmp_path / "plugins" / "failing_hook.py").write_text(FAILING_HOOK)
    done = fwibench("run", "--methods", ",".join(OUTCOMES), *COMMON, "--device", "cpu", "--json")
    assert done.returncode == 1, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("warning: plugin ")]
    for number, (stage, reason, _) in enumerate(FAULTS.values()):
        (line,) = [line for line in lines if f" broken_{number} (" in line]
        assert f"is broken at {stage}: " in line
        assert reason in line
    assert "failing_hook" in lines[-1]
    assert "is broken at fwibench_cell_finished: RuntimeError: hook failed" in lines[-1]
    assert len(lines) == len(FAULTS) + 1
    found = rows(done.stdout)
    assert {name: row["status"] for name, row in found.items()} == {name: s for name, (s, _) in OUTCOMES.items()}
    for name, (status, reason) in OUTCOMES.items():
        (path,) = (tmp_path / "results" / "runs").glob(f"*-{name}-s0-*/record.json")
        record = json.loads(path.read_text())
        assert record["status"] == status
        assert reason in record["reason"]
        assert record["environment"]["packages"]["torch"]
        assert "run" in record["environment"]["command"]
        assert not (path.parent / "attempt").exists()
    (checkpoint,) = (tmp_path / "results" / "runs").glob("*/work/checkpoint")
    assert "x-iskilled" in str(checkpoint), "the next attempt resumes if the process was killed by SIGKILL"
    raised = next((tmp_path / "results" / "runs").glob("*-x-raises-*/log.txt")).read_text()
    assert "Traceback" in raised
    assert "fit failed" in raised
    kept = next((tmp_path / "results" / "runs").glob("*-x-constant-*/spectra.json"))
    assert json.loads(kept.read_text()) == {"a matrix": [2.0, 0.5]}
    assert json.loads((kept.parent / "record.json").read_text())["diagnostics"] == {"known": 0.5}
    printed = next((tmp_path / "results" / "runs").glob("*-x-constant-*/log.txt")).read_text()
    assert "to standard output" in printed, "output of a method is in its log"


@pytest.mark.slow
def test_failing_metric_leaves_only_its_score_empty(fwibench: Command, tmp_path: Path) -> None:
    asked = ("--metrics", "x-overwrites,x-miscounts,x-counts,data-misfit")
    done = fwibench("run", "--methods", "x-constant", *COMMON, *asked, "--json")
    assert done.returncode == 0, done.stderr
    record = json.loads(next((tmp_path / "results" / "runs").glob("*/record.json")).read_text())
    scores = record["scores"]
    assert scores["mae"] > 0
    assert scores["data-misfit"] > 0
    assert scores["x-counts"] == 1
    assert scores["x-overwrites"] is None
    assert scores["x-miscounts"] is None
    overwrites, miscounts = record["notes"]
    assert "metric x-overwrites has no score: ValueError: assignment destination is read-only" in overwrites
    assert "x-miscounts" in miscounts
    assert "returned shape (1,), expected (3,)" in miscounts
    assert overwrites in done.stderr
    assert miscounts in fwibench("show", "x-constant").stdout


def test_hanging_method_is_killed_with_its_children(fwibench: Command, tmp_path: Path) -> None:
    # a correct method needs 1.5 s; the limit allows for a machine that is five times slower
    done = fwibench("run", "--methods", "x-hangs,x-constant", *COMMON, "--time-limit", "8s", "--json")
    assert done.returncode == 1
    found = rows(done.stdout)
    assert found["x-hangs"]["status"] == "timeout"
    assert found["x-constant"]["status"] == "ok"
    assert not running(str(tmp_path))


@pytest.mark.slow
def test_failed_cell_runs_again_and_finished_cell_does_not(fwibench: Command) -> None:
    arguments = ("run", "--methods", "x-raises,x-constant", *COMMON)
    fwibench(*arguments)
    again = fwibench(*arguments)
    assert "x-constant on salt, seed 0: MAE" in again.stderr
    assert "finished before" in again.stderr
    assert "[1/2] x-raises on salt" in again.stderr
    assert "[2/2]" not in again.stderr
    later = fwibench("run", "--methods", "x-constant", *COMMON, "--metrics", "x-counts")
    assert "1 finished run without x-counts: fwibench rescore --metrics x-counts computes it" in later.stderr
    assert "[1/1]" in fwibench("run", "--methods", "x-constant", *COMMON, "--force").stderr


def test_unwritable_results_folder_raises_before_run(fwibench: Command, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = fwibench("run", "--methods", "x-constant", *COMMON, "--results", "file")
    assert done.returncode == 1
    assert "error: file/runs cannot be written" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_failed_forced_run_keeps_earlier_result(fwibench: Command, tmp_path: Path) -> None:
    arguments = ("run", "--methods", "x-unreliable", *COMMON, "--json")
    assert fwibench(*arguments).returncode == 0
    (path,) = tmp_path.glob("results/runs/*/record.json")
    before = path.read_text()
    assert json.loads(before)["history"] == [{"epoch": 1, "val_loss": 0.5}], "JSON has no infinity"
    again = fwibench(*arguments, "--force", FIT_FAILS="1")
    assert again.returncode == 1
    assert rows(again.stdout)["x-unreliable"]["status"] == "failed"
    assert "RuntimeError: fit failed this time; the earlier result is kept" in again.stderr
    assert path.read_text() == before
    assert (path.parent / "predictions.npz").exists()
    assert not (path.parent / "attempt").exists()
    assert fwibench(*arguments).returncode == 0


def test_exit_code_is_3_if_no_cell_can_run(fwibench: Command) -> None:
    done = fwibench("run", "--methods", "x-em", *COMMON)
    assert done.returncode == 3
    assert "x-em on salt, seed 0: skipped: x-em accepts em data" in done.stderr


def test_unpreparable_dataset_fails_its_cells(
    fwibench: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "readonly").write_text("a file, where a folder is needed")
    done = fwibench("run", "--methods", "mean-map", *COMMON, "--json", FWIBENCH_DATA=str(tmp_path / "readonly"))
    assert done.returncode == 3
    assert rows(done.stdout)["mean-map"]["status"] == "failed"
