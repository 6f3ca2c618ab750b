"""Process of a cell's method: `python -m fwibench.runs.execution.worker FOLDER WORKDIR LIVENESS`.

Invariant: a Python exception becomes the status and reason of the message `draft.json`, with its traceback in the log;
any other failure shows in the exit status. The process exits as soon as the message is written.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Semaphore

from fwibench.errors import FwibenchError
from fwibench.plugins.registry import load_registry
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.execution.imports import late_imports
from fwibench.runs.machine.devices import choose_device, select_device
from fwibench.runs.machine.environment import describe_environment
from fwibench.runs.machine.load import LoadMeter
from fwibench.runs.processes.child import (
    classify,
    exit_immediately,
    exit_with_supervisor,
    limit_memory,
    log_broken_plugins,
    redirect_stdout,
)
from fwibench.runs.processes.messages import EventHandler, Job, Measured, describe_plugins, write_message


def main(folder: Path, workdir: Path, liveness: int) -> None:
    """Run the method of a job, and write what it measured.

    Args:
        folder: Folder of the attempt, with `job.json`; receives `draft.json`.
        workdir: Working folder of the method.
        liveness: Descriptor of a pipe that closes when this process must end.
    """
    send = redirect_stdout()
    replies = exit_with_supervisor(liveness)
    job = Job.model_validate_json(RunFiles(folder).job.read_bytes())
    limit_memory(job.memory_limit)
    from fwibench.runs.machine.interpreter import InterpreterState

    fresh = InterpreterState()
    registry = load_registry(job.method_plugins)
    log_broken_plugins(registry)
    cell, measured = job.record.cell, Measured()
    meter, clock = LoadMeter(), _Clock(job.clock_threads, send, replies)
    try:
        send({"stage": "start"})
        from fwibench.runs.execution.evaluate import Task, evaluate

        device = choose_device(job.device, registry.method(cell.method).spec)
        measured = measured.with_values(device=device)
        select_device(device)
        task = Task(
            cell=cell,
            oracle=job.record.track == "oracle-start",
            device=device,
            registry=registry,
            folder=folder,
            workdir=workdir,
            limit=job.limit,
            devices=job.devices,
            on_event=send,
            prepare=fresh.restore,
            alone=clock.alone,
        )
        for reached in evaluate(task):
            measured = reached
    except (Exception, SystemExit) as error:
        status, reason = classify(error)
        measured = measured.with_values(status=status, reason=reason)
        traceback.print_exc()
    send({"imported": late_imports()})
    environment = {**describe_environment(), **job.record.environment, "plugins": describe_plugins(registry)}
    load = meter.read().model_copy(update={"clock": clock.others})
    measured = measured.with_values(load=load, environment=environment)
    try:
        write_message(measured, RunFiles(folder).draft)
    except FwibenchError as error:
        traceback.print_exc()
        send({"ended": {"status": "failed", "reason": str(error)}})


@dataclass
class _Clock:
    """The clock of a cell, with which latency and throughput are measured.

    Attributes:
        threads: Threads with which they are measured, if other cells run beside this one; else None.
        send: Sends events to the command.
        replies: Released when the command has paused the other cells.
        others: How many cores other processes used meanwhile; None if that is not known.
    """

    threads: int | None
    send: EventHandler
    replies: Semaphore
    others: float | None = None

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other cells of the run from computing during the block."""
        if self.threads is None:
            yield
            return
        self.send({"clock": True})
        self.replies.acquire()
        from fwibench.runs.execution.timing import using_threads

        meter = LoadMeter()
        try:
            with using_threads(self.threads):
                yield
        finally:
            self.others = meter.read().others
            self.send({"clock": False})


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
    exit_immediately()
