"""Runs made in the test's own process, which has torch loaded already."""

from pathlib import Path
from tempfile import TemporaryDirectory

from fwibench.plugins.registry import Registry
from fwibench.runs.artefacts.record import Record, write_record
from fwibench.runs.artefacts.results import RECORD, Results
from fwibench.runs.execution.evaluate import evaluate
from fwibench.runs.planning.plan import Request, make_plan
from fwibench.runs.scoring.process import diagnose, score_predictions


def finish(request: Request, registry: Registry) -> list[Record]:
    """Runs every cell of a request on the CPU and leaves its files and record."""
    records = []
    for planned in make_plan(request, registry):
        record = Record(cell=planned.cell, status="ok", device="cpu", chosen=planned.chosen, unit="m/s")
        folder = Results(request.results).folder(planned.cell)
        folder.mkdir(parents=True)
        with TemporaryDirectory() as work:
            diagnoses = evaluate(record, registry, folder, Path(work), None, lambda event: None)
            scored = score_predictions(record, registry, folder, ["mae", "ssim"])
            record.scores, record.notes = scored.scores, [*record.notes, *scored.notes]
            if diagnoses:
                record.diagnostics |= diagnose(record, registry, folder, Path(work))
        write_record(record, folder / RECORD)
        records.append(record)
    return records
