"""Processes of cells that are forked from templates."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from fwibench.runs.processes import warm
from fwibench.runs.processes.launch import MARK, Launch, ProcessEnd, end_processes, run_process
from fwibench.runs.processes.warm import Imports, warm_processes

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="templates need /proc")
COLOURS: Imports = (("colorsys",),)
TOKEN = "FWIBENCH_TOKEN"
"""Variable that marks the processes of one test."""

PROBE = """
import json, os, signal, sys
from pathlib import Path

import __main__
print(json.dumps({
    "forked": "colorsys" in sys.modules,
    "arguments": sys.argv[1:-1],
    "name": __main__.__spec__.name,
    "input": sys.stdin.read(),
    "folder": os.getcwd(),
    "path": sys.path,
    "safe": sys.flags.safe_path,
    "shown": os.fsencode("MARK=" + os.environ["MARK"]) in Path("/proc/self/environ").read_bytes().split(bytes(1)),
    "environ": dict(os.environ),
    "descriptors": [os.readlink(one).partition(":")[0] for one in Path("/proc/self/fd").iterdir() if one.exists()],
    "session": os.getsid(0) == os.getpid(),
    "handlers": [str(signal.getsignal(one)) for one in sorted(signal.valid_signals())],
    "threads": len(os.listdir("/proc/self/task")),
}), flush=True)
print("to the log", file=sys.stderr)
{then}
""".replace("MARK", MARK)


@pytest.fixture
def probe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[ProcessEnd, dict[str, Any]]]:
    """Run a module that reports about its process; return how it ended and what it reported."""
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    monkeypatch.setenv(TOKEN, str(tmp_path))

    def run(
        then: str = "",
        imports: Imports = COLOURS,
        limit: float | None = 60,
        variables: dict[str, str] | None = None,
        cell: str = "cell",
    ) -> tuple[ProcessEnd, dict[str, Any]]:
        name = f"probe{abs(hash((then, cell)))}"
        (tmp_path / f"{name}.py").write_text(PROBE.replace("{then}", then))
        events: list[dict[str, Any]] = []
        arguments = ("one", "two words")
        launch = Launch(name, arguments, tmp_path / cell, tmp_path / "log", limit, variables or {}, imports)
        end = run_process(launch, events.append)
        return end, events[0] if events else {}

    return run


def alive(token: Path) -> list[int]:
    """Return the processes other than this one that a test has started and that have not ended."""
    found = []
    for path in Path("/proc").glob("[0-9]*/environ"):
        try:
            ours = f"{TOKEN}={token}".encode() in path.read_bytes().split(b"\0")
        except OSError:
            continue
        if ours and int(path.parent.name) != os.getpid():
            found.append(int(path.parent.name))
    return found


def wait_until_none_is_alive(token: Path) -> None:
    deadline = time.monotonic() + 60
    while left := alive(token):
        assert time.monotonic() < deadline, f"{left} are left"
        time.sleep(0.02)


def test_forked_process_is_like_fresh_process(probe: Callable[..., Any], tmp_path: Path) -> None:
    variables = {"OMP_NUM_THREADS": "3"}
    end, fresh = probe(variables=variables)
    with warm_processes():
        forked_end, forked = probe(variables=variables)
    assert forked_end == end == ProcessEnd(0)
    assert (fresh.pop("forked"), forked.pop("forked")) == (False, True)
    assert forked["shown"]
    assert forked["environ"].pop(MARK) == fresh["environ"].pop(MARK) == str(tmp_path / "cell")
    assert forked["environ"]["OMP_NUM_THREADS"] == "3"
    assert forked["arguments"] == ["one", "two words"]
    assert forked == fresh
    assert (tmp_path / "log").read_text() == 2 * "to the log\n"


@pytest.mark.parametrize(
    ("then", "code"),
    [("raise ValueError", 1), ("sys.exit(7)", 7), ("os.abort()", -signal.SIGABRT), ("signal.pause()", None)],
)
def test_end_of_forked_process_is_reported(
    probe: Callable[..., Any], tmp_path: Path, then: str, code: int | None
) -> None:
    with warm_processes():
        end, found = probe(then, limit=3 if code is None else 60)
    assert end.code == code
    assert found["forked"] or code is None, "a short limit may include the start of the template"
    assert ("ValueError" in (tmp_path / "log").read_text()) == (code == 1)
    assert not alive(tmp_path)


def test_random_generators_of_forked_processes_differ(probe: Callable[..., Any], tmp_path: Path) -> None:
    then = """
import numpy, random
with open(os.environ["NUMBERS"], "a") as stream:
    print(random.random(), numpy.random.random(), file=stream)
"""
    numbers = tmp_path / "numbers"
    with warm_processes():
        for _ in range(2):
            end, _ = probe(then, imports=(("numpy.random",),), variables={"NUMBERS": str(numbers)})
            assert end.code == 0
    assert len(set(numbers.read_text().split())) == 4


def test_killed_template_is_replaced(probe: Callable[..., Any], tmp_path: Path) -> None:
    with warm_processes():
        assert probe()[1]["forked"]
        templates = alive(tmp_path)
        assert len(templates) == 2, "one without and one with the module"
        for process in templates:
            os.kill(process, signal.SIGKILL)
        end, found = probe()
        assert (end.code, found["forked"]) == (0, False)
        assert probe()[1]["forked"]
    assert not alive(tmp_path)


@pytest.mark.parametrize(
    "content", ["import threading, time; threading.Thread(target=time.sleep, args=(99,), daemon=True).start()", "1 / 0"]
)
def test_unsuitable_template_is_not_used(probe: Callable[..., Any], tmp_path: Path, content: str) -> None:
    (tmp_path / "unsuitable.py").write_text(content)
    with warm_processes():
        for _ in range(warm.MOST_FAILURES + 2):
            end, found = probe(imports=(("colorsys",), ("unsuitable",)))
            assert (end.code, found["forked"]) == (0, False)
        assert not alive(tmp_path), "no more templates are started"


def test_templates_end_with_killed_command(tmp_path: Path) -> None:
    code = """
import os, signal
from pathlib import Path
from fwibench.runs.processes.launch import Launch, run_process
from fwibench.runs.processes.warm import warm_processes
kill = lambda event: os.kill(os.getpid(), signal.SIGKILL)
with warm_processes((("colorsys",),)):
    run_process(Launch("sleeper", (), Path("cell"), Path("log"), imports=(("json",),)), kill)
"""
    (tmp_path / "sleeper.py").write_text("import time; print('{}', flush=True); time.sleep(600)")
    environment = {**os.environ, TOKEN: str(tmp_path)}
    environment["PYTHONPATH"] = f"{tmp_path}{os.pathsep}{os.environ.get('PYTHONPATH', '')}"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, timeout=120, check=False)
    assert done.returncode == -signal.SIGKILL
    wait_until_none_is_alive(tmp_path)


def test_forked_descendants_are_found_if_supervisor_is_killed(probe: Callable[..., Any], tmp_path: Path) -> None:
    then = """
import time
supervisor = os.getppid()
if not os.fork():
    os.setsid()
    time.sleep(600)
os.kill(supervisor, signal.SIGKILL)
time.sleep(600)
"""
    with warm_processes():
        end, found = probe(then)
        assert (end.code, found["forked"]) == (-signal.SIGKILL, True)
        assert len(alive(tmp_path)) == 2, "the templates"
        end_processes(str(tmp_path / "cell"))
        assert probe()[1]["forked"], "templates do not belong to a cell"


def test_threads_share_templates_of_same_variables(probe: Callable[..., Any], tmp_path: Path) -> None:
    values = ["1", "2", "1", "2"]
    with warm_processes(), ThreadPoolExecutor(4) as pool:
        numbered = list(enumerate(values))
        # the processes of a cell end with it, so each has one of its own
        found = list(pool.map(lambda one: probe(variables={"OMP_NUM_THREADS": one[1]}, cell=f"cell{one[0]}"), numbered))
        assert [one["environ"]["OMP_NUM_THREADS"] for _, one in found] == values
        assert all(one["forked"] for _, one in found)
        assert len(alive(tmp_path)) == 4, "two templates for each value"
    assert not alive(tmp_path)


def test_changed_variable_of_command_is_seen(probe: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    with warm_processes():
        assert "X_NEW" not in probe()[1]["environ"]
        monkeypatch.setenv("X_NEW", "new")
        assert probe()[1]["environ"]["X_NEW"] == "new"
