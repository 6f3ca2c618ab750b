"""The process of a cell's method: `python -m fwibench.runs.execution.worker FOLDER WORKDIR LIFE`.

Invariant: whatever ends it, the command learns of it. A fault that Python can see becomes a draft record with its
traceback in the log; the rest shows in the exit status. It ends as soon as its draft is written.
"""

from __future__ import annotations

import sys
import traceback
from pathlib import Path

from fwibench.errors import FwibenchError
from fwibench.plugins.registry import load_registry
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.machine.devices import choose_device, select_device
from fwibench.runs.machine.environment import describe_environment
from fwibench.runs.machine.load import LoadMeter
from fwibench.runs.processes.child import claim_stdout, classify, die_with_warden, leave_at_once, tell_broken
from fwibench.runs.processes.messages import Job, Measured, describe_plugins, leave


def main(folder: Path, workdir: Path, life: int) -> None:
    """Run the job in `folder` and leave a draft record there; the method works in `workdir`."""
    tell = claim_stdout()
    die_with_warden(life)
    job = Job.model_validate_json((RunFiles(folder).job).read_bytes())
    from fwibench.runs.machine.interpreter import InterpreterState

    fresh = InterpreterState()
    registry = load_registry(job.method_plugins)
    tell_broken(registry)
    cell, measured = job.record.cell, Measured()
    meter = LoadMeter()
    try:
        tell({"stage": "start"})
        from fwibench.runs.execution.evaluate import Task, evaluate

        device = choose_device(job.device, registry.method(cell.method).spec)
        measured = measured.having(device=device)
        select_device(device)
        task = Task(
            cell=cell,
            oracle=job.record.track == "oracle-start",
            device=device,
            registry=registry,
            folder=folder,
            workdir=workdir,
            limit=job.limit,
            tell=tell,
            prepare=fresh.restore,
        )
        for reached in evaluate(task):
            measured = reached
    except (Exception, SystemExit) as error:
        status, reason = classify(error)
        measured = measured.having(status=status, reason=reason)
        traceback.print_exc()
    environment = {**describe_environment(), **job.record.environment, "plugins": describe_plugins(registry)}
    measured = measured.having(load=meter.read(), environment=environment)
    try:
        leave(measured, RunFiles(folder).draft)
    except FwibenchError as error:
        traceback.print_exc()
        tell({"ended": {"status": "failed", "reason": str(error)}})


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
    leave_at_once()
