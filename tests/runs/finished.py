"""Finished runs, made in the process of the test, which has torch loaded already."""

from pathlib import Path
from tempfile import TemporaryDirectory

from fwibench.plugins.registry import Registry
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.record import Record, write_record
from fwibench.runs.artefacts.results import Results
from fwibench.runs.execution.evaluate import Task, evaluate
from fwibench.runs.planning.plan import make_plan
from fwibench.runs.planning.request import Request
from fwibench.runs.processes.messages import complete_record
from fwibench.runs.scoring.worker import diagnose, score_predictions


def finish(request: Request, registry: Registry) -> list[Record]:
    """Run the cells of a request on the CPU, and write their files and records."""
    records = []
    for planned in make_plan(request, registry):
        known = Record(cell=planned.cell, status="ok", chosen=planned.chosen, unit="m/s")
        folder = Results(request.results).folder(planned.cell)
        folder.mkdir(parents=True)
        with TemporaryDirectory() as work:
            task = Task(planned.cell, False, "cpu", registry, folder, Path(work))
            *_, measured = evaluate(task)
            record = complete_record(known, measured)
            scored = score_predictions(record, registry, folder, ["mae", "ssim"])
            found = {"scores": scored.scores, "notes": [*record.notes, *scored.notes]}
            if measured.diagnoses:
                found["diagnostics"] = record.diagnostics | diagnose(record, registry, folder, Path(work))
            record = record.model_copy(update=found)
        write_record(record, RunFiles(folder).record)
        records.append(record)
    return records
