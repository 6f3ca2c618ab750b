"""Launching a process of a cell, and ending it with all its descendants.

Invariant: when `run_process` returns, no process of the cell is left, whichever process was killed in the meantime.
"""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from fwibench.runs.processes import supervisor
from fwibench.runs.processes.control import Control
from fwibench.runs.processes.messages import EventHandler
from fwibench.runs.processes.variables import MARK, child_environment
from fwibench.runs.processes.warm import Imports, Templates, active_templates

GRACE_S = 15.0
"""Time that the supervisor has to end the cell's processes before it is killed [s]."""
LONGEST_POLL_S = 3600.0
"""Longest time that one call waits [s]: `poll` counts milliseconds in 32 bits."""


@dataclass(frozen=True)
class ProcessEnd:
    """How a process ended.

    Attributes:
        code: Exit code, or minus the number of the signal that killed it; None if it reached its time limit.
        out_of_memory: Whether the out-of-memory killer of the system was active in the meantime.
    """

    code: int | None
    out_of_memory: bool = False


@dataclass(frozen=True)
class Launch:
    """A process of a cell to start: `python -P -m MODULE ARGUMENTS... LIVENESS`.

    Its standard input is empty; its standard output is a stream of events, one JSON object per line. `LIVENESS` is the
    descriptor of a pipe whose other end is closed when the process must end.

    Attributes:
        module: Module to run as `__main__`.
        arguments: Arguments of the module.
        folder: Folder of the cell, which identifies its processes.
        log: File to which standard error is appended.
        limit: Time limit [s], the start of the interpreter included; None for no limit.
        variables: Environment variables in addition to those of this process.
        imports: Modules that it may find imported: in a block of `warm_processes` it is forked from a template.
    """

    module: str
    arguments: tuple[str, ...]
    folder: Path
    log: Path
    limit: float | None = None
    variables: Mapping[str, str] = field(default_factory=dict)
    imports: Imports = ()

    @property
    def mark(self) -> str:
        """Value of the variable `MARK` of its processes."""
        return str(self.folder.absolute())

    @property
    def environment(self) -> dict[str, str]:
        """Its environment variables, without the mark."""
        return {**child_environment(), **self.variables}


def run_process(launch: Launch, on_event: EventHandler, control: Control | None = None) -> ProcessEnd:
    """Run a process of a cell to its end, and return how it ended. Several threads may call it.

    Args:
        launch: The process.
        on_event: Called with each event, from another thread.
        control: Receives orders to the process from other threads.

    Returns:
        How the process ended.
    """
    control = control or Control()
    deadline = None if launch.limit is None else time.monotonic() + launch.limit
    killed_before = count_memory_kills()
    run = partial(_supervised, launch=launch, deadline=deadline, on_event=on_event, control=control)
    report = _Report()
    if templates := active_templates():
        generation = templates.generation
        report = run(partial(_fork, templates, launch))
        if not report.started and not control.cancelled:
            templates.replace(generation)
    if not (report.started or report.timed_out or control.cancelled):
        report = run(partial(_spawn, launch))
    if report.timed_out and report.code is None:
        return ProcessEnd(None)
    return ProcessEnd(-signal.SIGKILL if report.code is None else report.code, count_memory_kills() > killed_before)


Start = Callable[[list[int]], subprocess.Popen[bytes] | None]
"""Starts a supervisor with the descriptors of its liveness pipe, status pipe, standard output and standard error."""


def _fork(templates: Templates, launch: Launch, ends: list[int]) -> None:
    """Let a template fork a supervisor; if there is no template, nothing is started and the pipes are closed."""
    program = [launch.module, *launch.arguments]
    templates.fork(launch.environment, launch.imports, program, launch.mark, ends)


def _spawn(launch: Launch, ends: list[int]) -> subprocess.Popen[bytes]:
    liveness, status, output, log = ends
    # -P: modules are not imported from the working directory
    command = [sys.executable, "-P", "-m", launch.module, *launch.arguments, "{liveness}"]
    return subprocess.Popen(
        [sys.executable, "-I", "-S", supervisor.__file__, str(liveness), str(status), *command],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=log,
        start_new_session=True,
        pass_fds=(liveness, status),
        env={**launch.environment, MARK: launch.mark},
    )


@dataclass
class _Report:
    """What a supervisor reported.

    Attributes:
        text: Lines `started`, `exit N` and `signal N`.
        complete: Whether the supervisor has ended.
        timed_out: Whether the process reached its time limit.
    """

    text: bytes = b""
    complete: bool = False
    timed_out: bool = False

    @property
    def started(self) -> bool:
        """Whether the process of the cell may have been started."""
        return bool(self.text)

    @property
    def code(self) -> int | None:
        """Exit code of the process, or minus the number of a signal; None if the supervisor did not report it."""
        kind, _, number = self.text.decode().strip().rpartition("\n")[2].partition(" ")
        if kind not in ("exit", "signal"):
            return None
        return int(number) if kind == "exit" else -int(number)

    def read(self, descriptor: int, deadline: float | None) -> None:
        """Read until the supervisor ends or the deadline, a time of `time.monotonic`, is reached."""
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        while not self.complete:
            left = LONGEST_POLL_S if deadline is None else deadline - time.monotonic()
            if left <= 0:
                return
            if poll.poll(1e3 * min(left, LONGEST_POLL_S)):
                part = os.read(descriptor, 512)
                self.text += part
                self.complete = not part


def _supervised(
    start: Start, launch: Launch, deadline: float | None, on_event: EventHandler, control: Control
) -> _Report:
    """Start a supervisor, wait until it ends, and kill what is left of the cell.

    Args:
        start: Starts the supervisor.
        launch: The process.
        deadline: When the process must end, a time of `time.monotonic`; None for no limit.
        on_event: Called with each event, from another thread.
        control: Receives orders to the process from other threads.
    """
    liveness, liveness_end = os.pipe()
    descriptor, status = os.pipe()
    events, output = os.pipe()
    ends = [liveness, status, output]
    try:
        ends.append(os.open(launch.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0), 0o666))
        process = start(ends)
    except BaseException:
        for one in (liveness_end, descriptor, events):
            os.close(one)
        raise
    finally:
        for one in ends:
            os.close(one)
    control.attach(liveness_end)
    stream = os.fdopen(events, "rb")
    reader = threading.Thread(target=_forward_events, args=(stream, on_event), daemon=True)
    reader.start()
    report = _Report()
    try:
        report.read(descriptor, deadline)
        report.timed_out = not report.complete
    finally:
        control.detach()
        report.read(descriptor, time.monotonic() + GRACE_S)
        os.close(descriptor)
        # whatever is left if the supervisor was killed, or the supervisor if it is stuck
        end_processes(launch.mark)
        if process is not None:
            _reap(process)
        reader.join(GRACE_S)
        stream.close()
    return report


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


def _reap(process: subprocess.Popen[bytes]) -> None:
    """Wait until a supervisor has ended; kill it if it takes longer than `GRACE_S`."""
    try:
        process.wait(GRACE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _list(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []
