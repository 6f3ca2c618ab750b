import json
import os
import shutil
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from fwibench.datasets.base import Dataset
from tests.conftest import Command
from tests.plugins.faults import FAULTS


@pytest.fixture(autouse=True)
def faulty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, salt: Dataset) -> None:
    folder = tmp_path / "plugins"
    folder.mkdir()
    shutil.copy(Path(__file__).with_name("faulty.py"), folder)
    monkeypatch.setenv("FWIBENCH_PLUGINS_DIR", str(folder))


COMMON = ("--dataset", "salt", "--profile", "smoke")

OUTCOMES = {
    "x-behaves": ("ok", ""),
    "x-refuses": ("failed", "ValueError: not with me"),
    "x-raises": ("failed", "RuntimeError: no good"),
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


def rows(out: str) -> dict[str, dict[str, Any]]:
    return {row["method"]: row for row in json.loads(out)["rows"]}


UNHAPPY_END = """
from fwibench import hookimpl

@hookimpl
def fwibench_cell_finished(record):
    print(record["status"])
    raise RuntimeError("too bad")
"""


def test_every_fault_is_one_row_and_the_others_run(fwibench: Command, tmp_path: Path) -> None:
    for number, (_, _, source) in enumerate(FAULTS.values()):
        (tmp_path / "plugins" / f"broken_{number}.py").write_text(source)
    (tmp_path / "plugins" / "unhappy_end.py").write_text(UNHAPPY_END)
    done = fwibench("run", "--methods", ",".join(OUTCOMES), *COMMON, "--device", "cpu", "--json")
    assert done.returncode == 1, done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("warning: plugin ")]
    for number, (stage, reason, _) in enumerate(FAULTS.values()):
        (line,) = [line for line in lines if f" broken_{number} (" in line]
        assert f"is broken at {stage}: " in line
        assert reason in line
    assert "unhappy_end" in lines[-1]
    assert "is broken at fwibench_cell_finished: RuntimeError: too bad" in lines[-1]
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
    assert "x-iskilled" in str(checkpoint), "where memory ran out, the next attempt goes on"
    raised = next((tmp_path / "results" / "runs").glob("*-x-raises-*/log.txt")).read_text()
    assert "Traceback" in raised
    assert "no good" in raised
    kept = next((tmp_path / "results" / "runs").glob("*-x-behaves-*/spectra.json"))
    assert json.loads(kept.read_text()) == {"a matrix": [2.0, 0.5]}
    assert json.loads((kept.parent / "record.json").read_text())["diagnostics"] == {"known": 0.5}
    printed = next((tmp_path / "results" / "runs").glob("*-x-behaves-*/log.txt")).read_text()
    assert "to standard output" in printed, "what a method prints is in its log, not in the table"


def test_a_metric_that_fails_costs_its_own_score(fwibench: Command, tmp_path: Path) -> None:
    asked = ("--metrics", "x-spoils,x-miscounts,x-counts,data-misfit")
    done = fwibench("run", "--methods", "x-behaves", *COMMON, *asked, "--json")
    assert done.returncode == 0, done.stderr
    record = json.loads(next((tmp_path / "results" / "runs").glob("*/record.json")).read_text())
    scores = record["scores"]
    assert scores["mae"] > 0
    assert scores["data-misfit"] > 0
    assert scores["x-counts"] == 1
    assert scores["x-spoils"] is None
    assert scores["x-miscounts"] is None
    spoils, miscounts = record["notes"]
    assert "metric x-spoils has no score: ValueError: assignment destination is read-only" in spoils
    assert "x-miscounts" in miscounts
    assert "returned shape (1,), expected (3,)" in miscounts
    assert spoils in done.stderr
    assert miscounts in fwibench("show", "x-behaves").stdout


def test_a_method_that_hangs_is_killed_with_its_children(fwibench: Command, tmp_path: Path) -> None:
    # a sound method needs a second and a half; the limit bears a machine that is five times as busy
    done = fwibench("run", "--methods", "x-hangs,x-behaves", *COMMON, "--time-limit", "8s", "--json")
    assert done.returncode == 1
    found = rows(done.stdout)
    assert found["x-hangs"]["status"] == "timeout"
    assert found["x-behaves"]["status"] == "ok"
    assert not running(str(tmp_path))


def test_a_failed_cell_is_run_again_and_a_finished_one_is_not(fwibench: Command) -> None:
    arguments = ("run", "--methods", "x-raises,x-behaves", *COMMON)
    fwibench(*arguments)
    again = fwibench(*arguments)
    assert "x-behaves on salt, seed 0: MAE" in again.stderr
    assert "finished before" in again.stderr
    assert "[1/2] x-raises on salt" in again.stderr
    assert "[2/2]" not in again.stderr
    later = fwibench("run", "--methods", "x-behaves", *COMMON, "--metrics", "x-counts")
    assert "1 finished run without x-counts: fwibench rescore --metrics x-counts computes it" in later.stderr
    assert "[1/1]" in fwibench("run", "--methods", "x-behaves", *COMMON, "--force").stderr


def test_results_that_cannot_be_written_are_told_before_anything_runs(fwibench: Command, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = fwibench("run", "--methods", "x-behaves", *COMMON, "--results", "file")
    assert done.returncode == 1
    assert "error: file/runs cannot be written" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_failed_repetition_keeps_the_result(fwibench: Command, tmp_path: Path) -> None:
    arguments = ("run", "--methods", "x-moody", *COMMON, "--json")
    assert fwibench(*arguments).returncode == 0
    (path,) = tmp_path.glob("results/runs/*/record.json")
    before = path.read_text()
    assert json.loads(before)["history"] == [{"epoch": 1, "val_loss": 0.5}], "JSON knows no infinity"
    again = fwibench(*arguments, "--force", MOOD="bad")
    assert again.returncode == 1
    assert rows(again.stdout)["x-moody"]["status"] == "failed"
    assert "RuntimeError: not today; the earlier result is kept" in again.stderr
    assert path.read_text() == before
    assert (path.parent / "predictions.npz").exists()
    assert not (path.parent / "attempt").exists()
    assert fwibench(*arguments).returncode == 0


def test_nothing_that_can_run_is_exit_code_3(fwibench: Command) -> None:
    done = fwibench("run", "--methods", "x-em", *COMMON)
    assert done.returncode == 3
    assert "x-em on salt, seed 0: skipped: x-em accepts em data" in done.stderr


def running(text: str) -> list[str]:
    """Command lines of live processes that contain `text`."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
        if text in line:
            found.append(line)
    return found


def start(tmp_path: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "fwibench", *arguments],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(os.environ),
        # tests that run in the background of a shell inherit that Ctrl-C is ignored
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )


def wait_for(pattern: str, folder: Path) -> Path:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if found := list(folder.glob(pattern)):
            return found[0]
        time.sleep(0.02)
    raise AssertionError(f"{pattern} did not appear")


SLOW = ("run", "--methods", "x-behaves,x-slow", *COMMON, "--set", "x-slow.seconds=3600")


def test_killed_between_cells_nothing_finished_is_lost(fwibench: Command, tmp_path: Path) -> None:
    child = start(tmp_path, *SLOW)
    wait_for("results/runs/*-x-slow-*/work/begun", tmp_path)
    child.kill()
    child.communicate()
    deadline = time.monotonic() + 30
    while running(str(tmp_path / "results")) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not running(str(tmp_path / "results")), "the cell's process does not outlive the command"
    again = fwibench("run", "--methods", "x-behaves,mean-map", *COMMON)
    assert again.returncode == 0
    assert "x-behaves on salt, seed 0: MAE" in again.stderr
    assert "finished before" in again.stderr


def test_ctrl_c_keeps_what_is_finished_and_shows_the_rest(tmp_path: Path) -> None:
    child = start(tmp_path, *SLOW, "--json")
    wait_for("results/runs/*-x-slow-*/work/begun", tmp_path)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 130, err
    assert {name: row["status"] for name, row in rows(out).items()} == {"x-behaves": "ok", "x-slow": "not-run"}
    assert not running(str(tmp_path / "results"))


def test_a_fit_killed_in_training_goes_on_from_its_checkpoint(fwibench: Command, tmp_path: Path) -> None:
    arguments = ("run", "--methods", "invlint", *COMMON, "--set", "invlint.epochs=400")
    child = start(tmp_path, *arguments)
    checkpoint = wait_for("results/runs/*-invlint-*/work/checkpoint.pt", tmp_path)
    time.sleep(0.5)
    child.kill()
    child.communicate()
    saved_at = checkpoint.stat().st_mtime_ns
    assert not list(tmp_path.glob("results/runs/*/record.json"))
    done = fwibench(*arguments, "--json")
    assert done.returncode == 0, done.stderr
    whole = fwibench(*arguments, "--results", "other", "--json")
    first, second = rows(done.stdout)["invlint"], rows(whole.stdout)["invlint"]
    assert saved_at
    for name in ("mae", "mse", "ssim"):
        assert first[name] == second[name], "an interrupted fit ends as one that was never stopped"


def test_a_dataset_that_cannot_be_made_fails_its_cells_only(
    fwibench: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "readonly").write_text("a file, where a folder is needed")
    done = fwibench("run", "--methods", "mean-map", *COMMON, "--json", FWIBENCH_DATA=str(tmp_path / "readonly"))
    assert done.returncode == 3
    assert rows(done.stdout)["mean-map"]["status"] == "failed"
