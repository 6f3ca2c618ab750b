"""Load of the machine by other processes, and how tables mark it."""

import os
from pathlib import Path
from typing import Any

import pytest

from fwibench.boards.board import make_board
from fwibench.boards.tables import make_tables
from fwibench.cli.commands.show import _fit, _load
from fwibench.runs.artefacts.record import Costs
from fwibench.runs.machine import load
from fwibench.runs.machine.load import Load, LoadMeter
from tests.boards.records import builtin_columns, leave


def stat(busy: int, idle: int) -> str:
    """Return /proc/stat of cores 0 to 63, with user, nice, system, idle, iowait, irq, softirq, steal and guest."""
    lines = [f"cpu{number} {busy} 0 0 {idle} 500 0 0 {busy} {busy}" for number in range(64)]
    return "\n".join(["cpu 9 9 9 9", *lines, "intr 5"]) + "\n"


def test_load_of_others_excludes_own_cpu_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file, now, own = tmp_path / "stat", [100.0], [7.0]
    monkeypatch.setattr(load, "Path", lambda name: file)
    monkeypatch.setattr(load.os, "sched_getaffinity", lambda pid: {3, 40})
    monkeypatch.setattr(load.os, "sysconf", lambda name: 100)
    monkeypatch.setattr(load.time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(load, "_own_seconds", lambda: own[0])
    file.write_text(stat(busy=1000, idle=0))
    meter = LoadMeter()
    now[0], own[0] = 110.0, 15.0
    # in 10 s, 2 cores were busy for 3 s and used by another guest for 3 s: 12 s minus 8 s of this process
    file.write_text(stat(busy=1300, idle=800))
    found = meter.read()
    assert found.others == pytest.approx(0.4)
    assert found.cores == 2
    assert found.busy


@pytest.mark.parametrize(("others", "busy"), [(None, False), (0.0, False), (0.19, False), (0.21, True), (1.9, True)])
def test_machine_is_busy_above_a_tenth_of_its_cores(others: float | None, busy: bool) -> None:
    assert Load(cores=2, others=others).busy is busy


def test_cpu_quota_does_not_reduce_counted_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time of other processes is counted on all cores, so its share must refer to all cores."""
    cores = LoadMeter().read().cores
    assert cores == (len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count())
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    assert LoadMeter().read().cores == cores


def test_load_is_none_without_system_statistics(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(load, "Path", lambda name: tmp_path / "absent")
    monkeypatch.delattr(load.os, "getloadavg")
    found = LoadMeter().read()
    assert (found.others, found.start, found.end, found.busy) == (None, None, None, False)


def test_times_of_busy_machine_are_marked(tmp_path: Path) -> None:
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
