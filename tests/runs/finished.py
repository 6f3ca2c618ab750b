"""Runs made in the test's own process, which has torch loaded already."""

from pathlib import Path
from tempfile import TemporaryDirectory

from fwibench.plugins.registry import Registry
from fwibench.runs.evaluate import evaluate
from fwibench.runs.plan import Request, make_plan
from fwibench.runs.record import Record, write_record
from fwibench.runs.results import RECORD, Results


def finish(request: Request, registry: Registry) -> list[Record]:
    """Runs every cell of a request on the CPU and leaves its files and record."""
    records = []
    for planned in make_plan(request, registry):
        record = Record(cell=planned.cell, status="ok", device="cpu", chosen=planned.chosen, unit="m/s")
        attempt = Results(request.results).folder(planned.cell) / "attempt"
        attempt.mkdir(parents=True)
        with TemporaryDirectory() as work:
            evaluate(record, registry, attempt, Path(work), ["mae", "ssim"], None, lambda event: None)
        for product in attempt.iterdir():
            product.rename(attempt.parent / product.name)
        attempt.rmdir()
        write_record(record, attempt.parent / RECORD)
        records.append(record)
    return records
