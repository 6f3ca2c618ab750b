"""Orders reach the processes of a cell while they run."""

import os
import sys
import threading
import time
from pathlib import Path

import pytest

from fwibench.runs.processes.control import Control
from fwibench.runs.processes.launch import Launch, ProcessEnd, run_process

COUNTS = """
import sys, time
while True:
    with open(sys.argv[1], "ab", buffering=0) as stream:
        stream.write(b".")
    time.sleep(0.005)
"""
WAITS = """
import sys
from fwibench.runs.processes.child import exit_with_supervisor
exit_with_supervisor(int(sys.argv[1])).acquire()
"""


@pytest.fixture
def modules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "counts.py").write_text(COUNTS)
    (tmp_path / "waits.py").write_text(WAITS)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), *sys.path]))
    return tmp_path


def start(launch: Launch, control: Control) -> tuple[threading.Thread, list[ProcessEnd]]:
    ends: list[ProcessEnd] = []
    thread = threading.Thread(target=lambda: ends.append(run_process(launch, print, control)))
    thread.start()
    return thread, ends


def grows(path: Path, within: float) -> bool:
    size, deadline = path.stat().st_size, time.monotonic() + within
    while time.monotonic() < deadline:
        if path.stat().st_size > size:
            return True
        time.sleep(0.01)
    return False


def test_paused_process_does_nothing_until_it_is_resumed(modules: Path) -> None:
    control, count = Control(), modules / "count"
    count.touch()
    thread, ends = start(Launch("counts", (str(count),), modules, modules / "log"), control)
    assert grows(count, 60)
    control.pause()
    # the order passes through the supervisor
    deadline = time.monotonic() + 60
    while grows(count, 0.5) and time.monotonic() < deadline:
        pass
    assert not grows(count, 0.5)
    control.resume()
    assert grows(count, 60)
    control.pause()
    control.cancel()
    thread.join(60)
    assert ends
    assert ends[0].code != 0


def test_cancelled_cell_starts_no_process(modules: Path) -> None:
    control = Control()
    control.cancel()
    thread, ends = start(Launch("counts", (str(modules / "count"),), modules, modules / "log"), control)
    thread.join(60)
    assert ends
    assert ends[0].code != 0


def test_reply_reaches_the_process(modules: Path) -> None:
    control = Control()
    thread, ends = start(Launch("waits", (), modules, modules / "log"), control)
    while thread.is_alive():
        control.answer(b"g")
        time.sleep(0.05)
    assert ends[0].code == 0
