"""Launching a process of a cell, and ending it with all its descendants.

Invariant: when `run_process` returns, no process of the cell is left, whichever process was killed in the meantime.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fwibench.runs.processes import supervisor
from fwibench.runs.processes.control import Control
from fwibench.runs.processes.messages import EventHandler
from fwibench.runs.processes.variables import child_environment

MARK = "FWIBENCH_CELL"
"""Environment variable that all processes of a cell inherit: the cell's folder."""
GRACE_S = 15.0
"""Time that the supervisor has to end the cell's processes before it is killed [s]."""


@dataclass(frozen=True)
class Launch:
    """A process of a cell to start: `python -m MODULE ARGUMENTS... LIVENESS`.

    Its standard input is empty; its standard output is a stream of events, one JSON object per line. `LIVENESS` is the
    descriptor of a pipe whose other end is closed when the process must end.

    Attributes:
        module: Module to run.
        arguments: Arguments of the module.
        folder: Folder of the cell, which identifies its processes.
        log: File to which standard error is appended.
        limit: Time limit [s]; None for no limit.
        variables: Environment variables besides those of this process.
    """

    module: str
    arguments: tuple[str, ...]
    folder: Path
    log: Path
    limit: float | None = None
    variables: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ProcessEnd:
    """How a process ended.

    Attributes:
        code: Exit code, or minus the number of the signal that killed it; None if it reached its time limit.
        out_of_memory: Whether the out-of-memory killer of the system was active in the meantime.
    """

    code: int | None
    out_of_memory: bool = False


def run_process(launch: Launch, on_event: EventHandler, control: Control | None = None) -> ProcessEnd:
    """Run a process of a cell to its end, and return how it ended.

    Args:
        launch: The process.
        on_event: Called with each event, from another thread.
        control: Receives orders to the process from other threads.

    Returns:
        How the process ended.
    """
    control = control or Control()
    killed_before = count_memory_kills()
    mark = str(launch.folder.absolute())
    liveness, liveness_end = os.pipe()
    report, status = os.pipe()
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0)
    try:
        descriptor = os.open(launch.log, flags, 0o666)
        with open(descriptor, "ab") as stderr:
            # -P: modules are not imported from the working directory
            command = [sys.executable, "-P", "-m", launch.module, *launch.arguments, "{liveness}"]
            process = subprocess.Popen(
                [sys.executable, "-I", "-S", supervisor.__file__, str(liveness), str(status), *command],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=stderr,
                start_new_session=True,
                pass_fds=(liveness, status),
                env={**child_environment(), **launch.variables, MARK: mark},
            )
    except BaseException:
        for one in (liveness, liveness_end, report, status):
            os.close(one)
        raise
    os.close(liveness)
    os.close(status)
    control.attach(liveness_end)
    reader = threading.Thread(target=_forward_events, args=(process.stdout, on_event), daemon=True)
    reader.start()
    timed_out = False
    try:
        process.wait(launch.limit)
    except subprocess.TimeoutExpired:
        timed_out = True
    finally:
        control.detach()
        _end_supervisor(process)
        end_processes(mark)
        reader.join(GRACE_S)
        if process.stdout:
            process.stdout.close()
        code = _parse_report(_read_all(report))
    if timed_out and code is None:
        return ProcessEnd(None)
    return ProcessEnd(-signal.SIGKILL if code is None else code, count_memory_kills() > killed_before)


def end_processes(mark: str) -> None:
    """Kill the processes of a cell whose supervisor was killed: those with the variable `MARK` in their environment.

    Other systems than Linux do not show the environment of processes; nothing is killed there.
    """
    variable = f"{MARK}={mark}".encode()
    for _ in range(100):
        found = False
        for process in filter(str.isdigit, _list(Path("/proc"))):
            with contextlib.suppress(OSError):
                marked = variable in Path("/proc", process, "environ").read_bytes().split(b"\0")
                if marked and int(process) != os.getpid():
                    os.kill(int(process), signal.SIGKILL)
                    found = True
        if not found:
            return


def count_memory_kills() -> int:
    """Return how often the out-of-memory killer was active, in this control group if the system counts by group."""
    for path, name in _memory_events():
        with contextlib.suppress(OSError, ValueError):
            for line in path.read_text().splitlines():
                key, _, value = line.partition(" ")
                if key == name:
                    return int(value)
    return 0


def _memory_events() -> list[tuple[Path, str]]:
    """Return the files that may count kills, the most specific one first, and the name of the counter."""
    root, found = Path("/sys/fs/cgroup"), []
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, kinds, group = line.split(":", 2)
            if not kinds:
                found.append((root / group.lstrip("/") / "memory.events", "oom_kill"))
            elif "memory" in kinds.split(","):
                found.append((root / "memory" / group.lstrip("/") / "memory.oom_control", "oom_kill"))
    # inside a container the files of the group may be at the root
    found += [(root / "memory.events", "oom_kill"), (root / "memory" / "memory.oom_control", "oom_kill")]
    return [*found, (Path("/proc/vmstat"), "oom_kill")]


def _forward_events(stream: Any, on_event: EventHandler) -> None:
    for line in stream:
        # errors of the handler are ignored: if the pipe were not read, it would fill up and block the child
        with contextlib.suppress(Exception, SystemExit):
            on_event(json.loads(line))


def _end_supervisor(process: subprocess.Popen[bytes]) -> None:
    """Wait until the supervisor has ended the cell's processes; kill it if it takes longer than `GRACE_S`."""
    try:
        process.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _read_all(descriptor: int) -> str:
    with open(descriptor, "rb") as stream:
        return stream.read().decode()


def _parse_report(report: str) -> int | None:
    """Return the exit code that the supervisor reported; None if it reported none."""
    kind, _, number = report.partition(" ")
    if kind not in ("exit", "signal"):
        return None
    return int(number) if kind == "exit" else -int(number)


def _list(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []
