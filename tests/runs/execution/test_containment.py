"""Processes, memory and disk space that a method uses do not affect other cells."""

import shutil
import subprocess
import time
from pathlib import Path

import pytest

from fwibench.datasets.base import Dataset
from tests.conftest import Command
from tests.runs.commands import COMMON, rows, running

pytestmark = pytest.mark.usefixtures("faulty_plugin")


def test_threads_and_processes_of_method_end_with_cell(fwibench: Command, tmp_path: Path, salt: Dataset) -> None:
    methods = "x-leavesthread,x-startsdetached,x-readsinput,x-lacksmemory"
    start = time.monotonic()
    done = fwibench("run", "--methods", methods, *COMMON, "--json", timeout=200)
    found = rows(done.stdout)
    assert {name: row["status"] for name, row in found.items()} == {
        "x-leavesthread": "ok",
        "x-startsdetached": "ok",
        "x-readsinput": "failed",
        "x-lacksmemory": "oom",
    }, done.stderr
    assert time.monotonic() - start < 120, "the command does not wait for threads and exit handlers"
    assert "x-readsinput on salt, seed 0: failed: EOFError" in done.stderr
    assert not running(str(tmp_path / "results"))
    assert next(tmp_path.glob("results/runs/*-x-lacksmemory-*/work/checkpoint")), (
        "the next run resumes from the checkpoint"
    )
    assert not list(tmp_path.glob("results/runs/*-x-leavesthread-*/work"))


TMPFS = "size=3m"


@pytest.fixture
def small_disk(tmp_path: Path) -> Path:
    """Disk of 3 MB; requires permission to mount one."""
    disk = tmp_path / "results"
    disk.mkdir()
    if not shutil.which("mount") or subprocess.run(["mount", "-t", "tmpfs", "-o", TMPFS, "none", disk]).returncode:
        pytest.skip("no permission to mount a small disk")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def test_full_disk_fails_cell_and_others_run(
    fwibench: Command, tmp_path: Path, small_disk: Path, salt: Dataset
) -> None:
    done = fwibench("run", "--methods", "x-large,x-constant", *COMMON, "--json")
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    found = rows(done.stdout)
    assert {name: row["status"] for name, row in found.items()} == {"x-large": "failed", "x-constant": "ok"}
    reason = next(small_disk.glob("runs/*-x-large-*/record.json")).read_text()
    assert "No space left on device" in reason
    assert f"its disk is mounted at {small_disk}" in reason
    assert not list(small_disk.glob("runs/*-x-large-*/work"))
    assert not list(small_disk.glob("runs/.*.*"))

    before = next(small_disk.glob("runs/*-x-constant-*/record.json")).read_text()
    with pytest.raises(OSError, match="No space left"):
        (small_disk / "filler").write_bytes(bytes(2**23))
    done = fwibench("run", "--methods", "x-constant,mean-map", *COMMON, "--json", "--force")
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert {row["status"] for row in rows(done.stdout).values()} == {"failed"}
    assert next(small_disk.glob("runs/*-x-constant-*/record.json")).read_text() == before, "the earlier result is kept"
    assert next(small_disk.glob("runs/*-x-constant-*/predictions.npz")).stat().st_size
