"""The process of a cell's method: `python -m fwibench.runs.execution.worker FOLDER WORKDIR LIFE`.

Invariant: whatever ends it, the command learns of it. A fault that Python can see becomes a draft record with its
traceback in the log; the rest shows in the exit status. It ends as soon as its draft is written.
"""

from __future__ import annotations

import sys
import time
import traceback
from pathlib import Path

from fwibench.errors import FwibenchError
from fwibench.plugins.registry import load_registry
from fwibench.runs.machine.devices import choose_device, select_device
from fwibench.runs.machine.environment import describe_environment
from fwibench.runs.machine.load import LoadMeter
from fwibench.runs.processes.child import claim_stdout, classify, die_with_warden, leave_at_once, tell_broken
from fwibench.runs.processes.messages import DRAFT, JOB, Draft, Job, describe_plugins, leave


def main(folder: Path, workdir: Path, life: int) -> None:
    """Run the job in `folder` and leave a draft record there; the method works in `workdir`."""
    tell = claim_stdout()
    die_with_warden(life)
    job = Job.model_validate_json((folder / JOB).read_bytes())
    from fwibench.runs.machine.interpreter import InterpreterState

    fresh = InterpreterState()
    registry = load_registry(job.method_plugins)
    tell_broken(registry)
    record = job.record.model_copy(update={"status": "ok"})
    start, meter = time.perf_counter(), LoadMeter()
    diagnoses = False
    try:
        tell({"stage": "start"})
        from fwibench.runs.execution.evaluate import evaluate

        record.device = choose_device(job.device, registry.method(record.cell.method).spec)
        select_device(record.device)
        diagnoses = evaluate(record, registry, folder, workdir, job.limit, tell, fresh.restore)
    except (Exception, SystemExit) as error:
        record.status, record.reason = classify(error)
        traceback.print_exc()
    record.wall_s = time.perf_counter() - start
    record.load = meter.read()
    record.environment = {
        **describe_environment(),
        **job.record.environment,
        "plugins": describe_plugins(registry),
    }
    try:
        leave(Draft(record=record, diagnoses=diagnoses), folder / DRAFT)
    except FwibenchError as error:
        traceback.print_exc()
        tell({"ended": {"status": "failed", "reason": str(error)}})


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
    leave_at_once()
