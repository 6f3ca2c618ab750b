"""Running a process of a cell to its end, with all that it starts.

Invariant: when `run_process` returns, no process of the cell is left, whoever was killed meanwhile.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fwibench.runs.processes import warden
from fwibench.runs.processes.variables import child_environment

MARK = "FWIBENCH_CELL"
"""Environment variable that all processes of a cell inherit: the cell's folder."""
GRACE_S = 15.0

Tell = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class End:
    """How a process ended.

    Attributes:
        code: Exit code, or minus the number of the signal that killed it; None if it was ended at its time limit.
        out_of_memory: Whether the system killed a process for lack of memory meanwhile.
    """

    code: int | None
    out_of_memory: bool = False


def run_process(module: str, arguments: list[str], folder: Path, log: Path, limit: float | None, tell: Tell) -> End:
    """Run `python -m MODULE ARGUMENTS... LIFE` and return how it ended.

    Its standard input is empty, its standard output are events for `tell`, a JSON object a line. `LIFE` is the
    descriptor of a pipe that reports its end when the process must end.

    Args:
        module: What to run.
        arguments: Its arguments.
        folder: Of the cell, which its processes are known by.
        log: Receives its standard error; a new file, or one to be added to.
        limit: Seconds until it is ended; None for no limit.
        tell: Receives events, from another thread.
    """
    killed_before = count_memory_kills()
    mark = str(folder.absolute())
    life, alive = os.pipe()
    told, status = os.pipe()
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
    try:
        descriptor = os.open(log, flags, 0o666)
        with open(descriptor, "ab") as stderr:
            # -P: the working directory is no place for modules
            command = [sys.executable, "-P", "-m", module, *arguments, "{life}"]
            guard = subprocess.Popen(
                [sys.executable, "-I", "-S", warden.__file__, str(life), str(status), *command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                start_new_session=True,
                pass_fds=(life, status),
                env={**child_environment(), MARK: mark},
            )
    except BaseException:
        for one in (life, alive, told, status):
            os.close(one)
        raise
    os.close(life)
    os.close(status)
    reader = threading.Thread(target=_forward, args=(guard.stdout, tell), daemon=True)
    reader.start()
    late = False
    try:
        guard.wait(limit)
    except subprocess.TimeoutExpired:
        late = True
    finally:
        os.close(alive)
        _end(guard)
        end_processes(mark)
        reader.join(GRACE_S)
        if guard.stdout:
            guard.stdout.close()
        report = _read_all(told)
    code = _code(report)
    if late and code is None:
        return End(None)
    return End(-signal.SIGKILL if code is None else code, count_memory_kills() > killed_before)


def end_processes(mark: str) -> None:
    """Kill what is left of a cell after its warden was killed: processes that have its mark in their environment.

    Linux tells the environment; elsewhere nothing is found.
    """
    wanted = f"{MARK}={mark}".encode()
    for _ in range(100):
        found = False
        for process in filter(str.isdigit, _list(Path("/proc"))):
            with contextlib.suppress(OSError):
                marked = wanted in Path("/proc", process, "environ").read_bytes().split(b"\0")
                if marked and int(process) != os.getpid():
                    os.kill(int(process), signal.SIGKILL)
                    found = True
        if not found:
            return


def count_memory_kills() -> int:
    """Return how often the system killed a process for lack of memory, in this control group if it counts by group."""
    for path, name in _memory_events():
        with contextlib.suppress(OSError, ValueError):
            for line in path.read_text().splitlines():
                key, _, value = line.partition(" ")
                if key == name:
                    return int(value)
    return 0


def _memory_events() -> list[tuple[Path, str]]:
    """Return files that may count kills, the most specific one first, and the name of the count."""
    root, found = Path("/sys/fs/cgroup"), []
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, kinds, group = line.split(":", 2)
            if not kinds:
                found.append((root / group.lstrip("/") / "memory.events", "oom_kill"))
            elif "memory" in kinds.split(","):
                found.append((root / "memory" / group.lstrip("/") / "memory.oom_control", "oom_kill"))
    # inside a container the group's own files may be at the root
    found += [(root / "memory.events", "oom_kill"), (root / "memory" / "memory.oom_control", "oom_kill")]
    return [*found, (Path("/proc/vmstat"), "oom_kill")]


def _forward(stream: Any, tell: Tell) -> None:
    for line in stream:
        # the pipe is emptied whatever the display does with an event: a full one would stop the child
        with contextlib.suppress(Exception, SystemExit):
            tell(json.loads(line))


def _end(guard: subprocess.Popen[bytes]) -> None:
    """Let the warden end the cell's processes; end it, too, if it cannot."""
    try:
        guard.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        guard.kill()
        guard.wait()


def _read_all(descriptor: int) -> str:
    with open(descriptor, "rb") as stream:
        return stream.read().decode()


def _code(report: str) -> int | None:
    """Return what the warden reported; None if it could not."""
    kind, _, number = report.partition(" ")
    if kind not in ("exit", "signal"):
        return None
    return int(number) if kind == "exit" else -int(number)


def _list(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []
