"""One spawned child process a cell, and a record of how it ended.

Invariant: a crash, a hang or a full memory costs one cell. When `execute` returns, no process of the
cell is left, and its folder holds a record.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from filelock import FileLock

from fwibench.errors import RecordError
from fwibench.files import write_text
from fwibench.runs.child_environment import child_environment
from fwibench.runs.environment import describe_environment
from fwibench.runs.record import Record, read_record, write_record
from fwibench.runs.results import RECORD, Results
from fwibench.runs.worker import DRAFT, JOB, Job

GRACE_S = 5.0
PRODUCTS = ("predictions.npz", "scores.csv", "traces.csv", "models.npz", "spectra.json", "model")
"""What a cell leaves beside its record."""
KEPT_FOR_RESUME = ("timeout", "oom")

Tell = Callable[[dict[str, Any]], None]


def execute(job: Job, results: Results, tell: Tell, *, force: bool) -> Record:
    """Runs one cell to its end.

    Args:
        job: The cell, as a blank record, and how to run it.
        results: Where the cell's folder lies.
        tell: Receives the child's events, from another thread.
        force: Forget what an earlier, interrupted attempt left behind.
    """
    cell = job.record.cell
    folder = results.folder(cell).absolute()
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / ".lock"):
        if not force and (finished := results.finished(cell)):
            return finished
        workdir, attempt = folder / "work", folder / "attempt"
        shutil.rmtree(attempt, ignore_errors=True)
        if force:
            shutil.rmtree(workdir, ignore_errors=True)
        workdir.mkdir(exist_ok=True)
        attempt.mkdir()
        write_text(attempt / JOB, job.model_dump_json())
        start = time.monotonic()
        outcome = _spawn(attempt, workdir, folder / "log.txt", job.limit, tell)
        record = _conclude(attempt, outcome, job)
        record.wall_s = time.monotonic() - start
        if record.status != "ok" and results.finished(cell):
            record.reason += "; the earlier result is kept"
            shutil.rmtree(attempt, ignore_errors=True)
        else:
            _publish(record, attempt, folder)
        # the system kills where memory runs out
        if record.status not in KEPT_FOR_RESUME and outcome != -signal.SIGKILL:
            shutil.rmtree(workdir, ignore_errors=True)
    return record


def _spawn(attempt: Path, workdir: Path, log: Path, limit: float | None, tell: Tell) -> int | None:
    """Runs the child; its exit status, or None if it was killed at its deadline."""
    with log.open("wb") as stderr:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "fwibench.runs.worker", str(attempt), str(workdir)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            start_new_session=True,
            env=child_environment(),
        )
        reader = threading.Thread(target=_forward, args=(child.stdout, tell), daemon=True)
        reader.start()
        try:
            return child.wait(limit)
        except subprocess.TimeoutExpired:
            return None
        finally:
            _kill_group(child)
            reader.join(GRACE_S)
            for stream in (child.stdin, child.stdout):
                if stream:
                    stream.close()


def _forward(stream: Any, tell: Tell) -> None:
    for line in stream:
        # the pipe is emptied whatever the display does with an event: a full one would stop the child
        with contextlib.suppress(Exception, SystemExit):
            tell(json.loads(line))


def _kill_group(child: subprocess.Popen[bytes]) -> None:
    """Kills the child and whatever it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _conclude(attempt: Path, outcome: int | None, job: Job) -> Record:
    if outcome is None:
        status, reason = "timeout", f"killed at its time limit of {job.limit:g} s"
    elif (attempt / DRAFT).exists():
        try:
            return read_record(attempt / DRAFT)
        except RecordError as error:
            status, reason = "failed", f"what it left behind is no record: {error.message}"
    elif outcome < 0:
        status, reason = "failed", f"the process was killed by {signal.Signals(-outcome).name}"
        if outcome == -signal.SIGKILL:
            reason += ", as the system does when memory runs out"
    else:
        status, reason = "failed", f"the process exited with code {outcome} before the cell was done"
    environment = {**describe_environment(), **job.record.environment}
    return job.record.model_copy(update={"status": status, "reason": reason, "environment": environment})


def _publish(record: Record, attempt: Path, folder: Path) -> None:
    """Moves the attempt's files into the cell's folder, the record last."""
    (folder / RECORD).unlink(missing_ok=True)
    for name in PRODUCTS:
        target = folder / name
        shutil.rmtree(target, ignore_errors=True) if target.is_dir() else target.unlink(missing_ok=True)
        if record.status == "ok" and (attempt / name).exists():
            os.replace(attempt / name, target)
    write_record(record, folder / RECORD)
    shutil.rmtree(attempt, ignore_errors=True)
