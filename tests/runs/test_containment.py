"""What a method starts, waits for or uses up stays in its cell."""

import errno
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from fwibench.datasets.base import Dataset
from fwibench.errors import MethodError
from fwibench.runs.processes import launch
from fwibench.runs.processes.child import classify
from fwibench.runs.processes.launch import MARK, count_memory_kills, end_processes
from tests.conftest import Command
from tests.runs.test_faults import COMMON, faulty, rows, running

__all__ = ["faulty"]


def test_nothing_of_a_method_outlives_or_stalls_its_cell(fwibench: Command, tmp_path: Path, salt: Dataset) -> None:
    methods = "x-lingers,x-detaches,x-readsinput,x-lacksmemory"
    start = time.monotonic()
    done = fwibench("run", "--methods", methods, *COMMON, "--json", timeout=200)
    found = rows(done.stdout)
    assert {name: row["status"] for name, row in found.items()} == {
        "x-lingers": "ok",
        "x-detaches": "ok",
        "x-readsinput": "failed",
        "x-lacksmemory": "oom",
    }, done.stderr
    assert time.monotonic() - start < 120, "a thread or an exit handler of an hour is not waited for"
    assert "x-readsinput on salt, seed 0: failed: EOFError" in done.stderr
    assert not running(str(tmp_path / "results"))
    assert next(tmp_path.glob("results/runs/*-x-lacksmemory-*/work/checkpoint")), "the next run goes on from there"
    assert not list(tmp_path.glob("results/runs/*-x-lingers-*/work"))


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (MemoryError("asked for too much"), "oom"),
        (np._core._exceptions._ArrayMemoryError((2**60,), np.dtype(float)), "oom"),
        (RuntimeError("[enforce fail] DefaultCPUAllocator: not enough memory: you tried to allocate 9 bytes"), "oom"),
        (RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate"), "oom"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "oom"),
        (RuntimeError("shapes differ"), "failed"),
        (OSError(errno.ENOSPC, "No space left on device"), "failed"),
    ],
)
def test_lack_of_memory_has_a_status_of_its_own(error: Exception, status: str) -> None:
    assert classify(error)[0] == status
    outer = MethodError("it did not work")
    outer.__cause__ = error
    assert classify(outer)[0] == status, "the cause counts as well"


@pytest.mark.parametrize(
    ("content", "kills"), [("low 0\noom 3\noom_kill 2\n", 2), ("under_oom 0\noom_kill 5\n", 5), ("low 0\n", 0)]
)
def test_kills_for_lack_of_memory_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, kills: int
) -> None:
    (tmp_path / "events").write_text(content)
    files = [(tmp_path / "absent", "oom_kill"), (tmp_path / "events", "oom_kill")]
    monkeypatch.setattr(launch, "_memory_events", lambda: files)
    assert count_memory_kills() == kills


@pytest.mark.parametrize(("counts", "status"), [([4, 5], "oom"), ([4, 4], "failed")])
def test_a_kill_counts_as_out_of_memory_where_the_system_counted_one(
    counts: list[int], status: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = iter(counts)
    monkeypatch.setattr(launch, "count_memory_kills", lambda: next(left))
    (tmp_path / "dies.py").write_text("import os; os.kill(os.getpid(), 9)")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    end = launch.run_process("dies", [], tmp_path, tmp_path / "log", 60, lambda event: None)
    assert (end.code, "oom" if end.out_of_memory else "failed") == (-9, status)


def test_leftover_processes_are_found_by_their_mark(tmp_path: Path) -> None:
    def sleeper(mark: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], env={**os.environ, MARK: mark})

    ours, other = sleeper(str(tmp_path / "a")), sleeper(str(tmp_path / "ab"))
    try:
        time.sleep(0.3)
        end_processes(str(tmp_path / "a"))
        assert ours.wait(10) == -9
        assert other.poll() is None
    finally:
        other.kill()
        other.wait()


TMPFS = "size=3m"


@pytest.fixture
def small_disk(tmp_path: Path) -> Path:
    """A disk of 3 MB; needs the right to mount one."""
    disk = tmp_path / "results"
    disk.mkdir()
    if not shutil.which("mount") or subprocess.run(["mount", "-t", "tmpfs", "-o", TMPFS, "none", disk]).returncode:
        pytest.skip("no right to mount a small disk")
    yield disk
    subprocess.run(["umount", "-l", disk], check=True)


def test_a_full_disk_is_a_row_and_the_other_cells_run(
    fwibench: Command, tmp_path: Path, small_disk: Path, salt: Dataset
) -> None:
    done = fwibench("run", "--methods", "x-large,x-behaves", *COMMON, "--json")
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    found = rows(done.stdout)
    assert {name: row["status"] for name, row in found.items()} == {"x-large": "failed", "x-behaves": "ok"}
    reason = next(small_disk.glob("runs/*-x-large-*/record.json")).read_text()
    assert "No space left on device" in reason
    assert f"its disk is mounted at {small_disk}" in reason
    assert not list(small_disk.glob("runs/*-x-large-*/work"))
    assert not list(small_disk.glob("runs/.*.*"))

    before = next(small_disk.glob("runs/*-x-behaves-*/record.json")).read_text()
    with pytest.raises(OSError, match="No space left"):
        (small_disk / "filler").write_bytes(bytes(2**23))
    done = fwibench("run", "--methods", "x-behaves,mean-map", *COMMON, "--json", "--force")
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert {row["status"] for row in rows(done.stdout).values()} == {"failed"}
    assert next(small_disk.glob("runs/*-x-behaves-*/record.json")).read_text() == before, "the earlier result is kept"
    assert next(small_disk.glob("runs/*-x-behaves-*/predictions.npz")).stat().st_size
