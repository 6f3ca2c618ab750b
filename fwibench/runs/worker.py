"""The child process of one cell: `python -m fwibench.runs.worker FOLDER WORKDIR`.

Invariant: whatever ends it, the parent learns of it. A fault that Python can see becomes a draft record
with its traceback in the log; the rest shows in the exit status. It never outlives its parent.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
import traceback
from pathlib import Path
from typing import Any

from fwibench.errors import DivergedError, FwibenchError, UnknownNameError, UnsuitableError
from fwibench.plugins.registry import load_registry
from fwibench.problem import Frozen
from fwibench.runs.devices import choose_device, select_device
from fwibench.runs.environment import describe_environment
from fwibench.runs.load import LoadMeter
from fwibench.runs.record import Record, Status, write_record

DRAFT = "draft.json"
JOB = "job.json"


class Job(Frozen):
    """What the parent tells the child."""

    record: Record
    device: str
    metrics: list[str]
    limit: float | None


def main(folder: Path, workdir: Path) -> int:
    """Runs the job in `folder` and leaves a draft record there; the method works in `workdir`."""
    events = _claim_stdout()
    _die_with_parent()
    job = Job.model_validate_json((folder / JOB).read_bytes())
    registry = load_registry()
    for plugin in registry.broken:
        sys.stderr.write(f"plugin {plugin.name} ({plugin.origin}) is {plugin.verdict}\n")
    record = job.record.model_copy(update={"status": "ok"})

    def tell(event: dict[str, Any]) -> None:
        events.write(json.dumps(event) + "\n")

    start, meter = time.perf_counter(), LoadMeter()
    try:
        tell({"stage": "start"})
        from fwibench.runs.evaluate import evaluate

        record.device = choose_device(job.device, registry.method(record.cell.method).spec)
        select_device(record.device)
        evaluate(record, registry, folder, workdir, job.metrics, job.limit, tell)
    except (Exception, SystemExit) as error:
        record.status, record.reason = classify(error)
        traceback.print_exc()
    record.wall_s = time.perf_counter() - start
    record.load = meter.read()
    record.environment = {**describe_environment(), **job.record.environment}
    write_record(record, folder / DRAFT)
    return 0


def classify(error: BaseException) -> tuple[Status, str]:
    """The status and the reason that an error stands for."""
    name = type(error).__name__
    if isinstance(error, DivergedError):
        return "diverged", str(error)
    if isinstance(error, UnsuitableError):
        return "skipped", str(error)
    if isinstance(error, UnknownNameError):
        # a plugin that loads in the parent and breaks here: the hint says which
        return "failed", f"{error.message}; {error.hint}"
    if isinstance(error, MemoryError) or name == "OutOfMemoryError":
        return "oom", f"{name}: {error}"
    if isinstance(error, SystemExit):
        return "failed", f"the method ended its process with exit code {error.code}"
    return "failed", str(error) if isinstance(error, FwibenchError) else f"{name}: {error}"


def _claim_stdout() -> Any:
    """Keeps the pipe to the parent for events; whatever the method prints goes to the log."""
    events = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    return events


def _die_with_parent() -> None:
    """Ends this process and its children when the parent's end of stdin closes."""

    def watch() -> None:
        while os.read(0, 1):
            pass
        os.killpg(0, signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), Path(sys.argv[2])))
