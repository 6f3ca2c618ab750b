"""Launching and ending the processes of a cell."""

import io
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from fwibench.runs.processes import launch
from fwibench.runs.processes.launch import MARK, _forward_events, count_memory_kills, end_processes


@pytest.mark.parametrize("error", [BrokenPipeError(), TypeError("no steps"), SystemExit(1)])
def test_failing_event_handler_does_not_stop_reading(error: BaseException) -> None:
    stream = io.BytesIO(b"".join(json.dumps({"report": {"step": step}}).encode() + b"\n" for step in range(9)))
    told = []

    def tell(event: dict[str, dict[str, int]]) -> None:
        told.append(event["report"]["step"])
        raise error

    _forward_events(stream, tell)
    assert told == list(range(9)), "all events are read"


@pytest.mark.parametrize(
    ("content", "kills"), [("low 0\noom 3\noom_kill 2\n", 2), ("under_oom 0\noom_kill 5\n", 5), ("low 0\n", 0)]
)
def test_out_of_memory_kills_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, kills: int
) -> None:
    (tmp_path / "events").write_text(content)
    files = [(tmp_path / "absent", "oom_kill"), (tmp_path / "events", "oom_kill")]
    monkeypatch.setattr(launch, "_memory_events", lambda: files)
    assert count_memory_kills() == kills


@pytest.mark.parametrize(("counts", "status"), [([4, 5], "oom"), ([4, 4], "failed")])
def test_kill_is_out_of_memory_if_system_counter_increased(
    counts: list[int], status: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = iter(counts)
    monkeypatch.setattr(launch, "count_memory_kills", lambda: next(left))
    (tmp_path / "dies.py").write_text("import os; os.kill(os.getpid(), 9)")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    end = launch.run_process(launch.Program("dies", []), tmp_path, tmp_path / "log", 60, lambda event: None)
    assert (end.code, "oom" if end.out_of_memory else "failed") == (-9, status)


def test_leftover_processes_are_killed_by_environment_variable(tmp_path: Path) -> None:
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
