"""Interrupted commands keep finished cells, and the next command resumes the others."""

import signal
import time
from pathlib import Path

import pytest

from tests.conftest import Command
from tests.runs.commands import COMMON, rows, running, start, wait_for

pytestmark = pytest.mark.usefixtures("faulty_plugin")


SLOW = ("run", "--methods", "x-constant,x-slow", *COMMON, "--set", "x-slow.seconds=3600")


@pytest.mark.slow
def test_killed_command_keeps_finished_cells(fwibench: Command, tmp_path: Path) -> None:
    child = start(tmp_path, *SLOW)
    wait_for("results/runs/*-x-slow-*/work/begun", tmp_path)
    child.kill()
    child.communicate()
    deadline = time.monotonic() + 30
    while running(str(tmp_path / "results")) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not running(str(tmp_path / "results")), "the cell's process ends with the command"
    again = fwibench("run", "--methods", "x-constant,mean-map", *COMMON)
    assert again.returncode == 0
    assert "x-constant on salt, seed 0: MAE" in again.stderr
    assert "finished before" in again.stderr


def test_ctrl_c_keeps_finished_cells_and_lists_others(tmp_path: Path) -> None:
    child = start(tmp_path, *SLOW, "--json")
    wait_for("results/runs/*-x-slow-*/work/begun", tmp_path)
    child.send_signal(signal.SIGINT)
    out, err = child.communicate(timeout=60)
    assert child.returncode == 130, err
    assert {name: row["status"] for name, row in rows(out).items()} == {"x-constant": "ok", "x-slow": "not-run"}
    assert not running(str(tmp_path / "results"))


@pytest.mark.slow
def test_killed_fit_resumes_from_checkpoint(fwibench: Command, tmp_path: Path) -> None:
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
        assert first[name] == second[name], "a resumed fit equals an uninterrupted one"
