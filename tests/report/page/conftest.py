from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from fwibench.datasets.base import Dataset
from fwibench.plugins.registry import Registry
from fwibench.report.figures.kinds import list_drawings
from fwibench.report.page.page import PageOptions, write_page
from fwibench.report.sources import Sources
from fwibench.runs.artefacts.cell import Cell
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.predictions import Predictions, write_predictions
from fwibench.runs.artefacts.record import Costs, Record, write_record
from fwibench.runs.artefacts.results import Results
from fwibench.runs.artefacts.scores import Scores, write_scores
from fwibench.testing import em_problem, in_memory
from tests.boards.records import leave

EM = em_problem((2, 6, 20), (40, 60))
MAPS = np.random.default_rng(0).uniform(0.1, 0.5, (8, 1, 40, 60)).astype(np.float32)
HOSTILE = {"text": '</script><script>document.title = "broken"</script>', "file": "../../x", "quote": "\"'`&<b>"}
FIELDS = SimpleNamespace(
    spec=SimpleNamespace(name="fields"),
    fingerprint="e" * 64,
    profile="smoke",
    problem=EM,
    split=lambda scheme, name: in_memory(
        "fields", np.random.default_rng(0).normal(size=(8, *EM.measurement_shape)).astype(np.float32), MAPS
    ),
)
ENVIRONMENT = {
    "python": "3.11",
    "cpu": "<i>a processor</i>",
    "packages": {"fwibench": "0", "torch": None},
    "git": {"commit": "0123456789abcdef", "changed": True},
    "command": ["fwibench", "run", "--set", "a=b c", "--results", "</script>"],
}


def leave_predicted(
    root: Path,
    dataset: Any,
    method: str,
    size: Any,
    test_samples: int | None = None,
    further: dict[str, float] | None = None,
    **changes: object,
) -> Record:
    """Leaves a finished run whose predictions differ from the truth by about `size`, in the property's unit.

    Args:
        root: Of the results.
        dataset: Prepared.
        method: Its name.
        size: For all samples, or of each `(n, 1, 1, 1)`.
        test_samples: Only so many, the first; None for all.
        further: Scores of further metrics, the same for all samples.
        changes: Fields of the record.
    """
    test = dataset.split("random", "test")
    truth, ids = test.properties[:][:test_samples], test.ids[:test_samples]
    maps = truth + np.random.default_rng(3).normal(0, size, truth.shape).astype(np.float32)
    errors = np.abs(maps - truth).mean((1, 2, 3), dtype=np.float64)
    own = {name: np.full(len(ids), value) for name, value in (further or {}).items()}
    scores = Scores(ids, {"mae": errors, "ssim": 1 / (1 + errors), **own})
    cell = Cell(
        method=method,
        method_version="1",
        options={},
        dataset=dataset.spec.name,
        dataset_options={},
        fingerprint=dataset.fingerprint,
        split="random",
        seed=0,
        profile=dataset.profile,
        test_samples=test_samples,
    )
    fields = {
        "source": "synthetic",
        "unit": dataset.problem.property.unit,
        "n_test": len(ids),
        "started": "2026-01-02T03:04:05Z",
        "environment": ENVIRONMENT,
        "costs": Costs(fit_s=float(np.mean(size))),
        **changes,
    }
    record = Record(cell=cell, status="ok", scores=scores.pooled(), **fields)
    folder = Results(root).folder(cell)
    write_scores(scores, folder)
    write_predictions(Predictions(ids, maps), folder)
    write_record(record, RunFiles(folder).record)
    return record


def lay_out(root: Path, salt: Dataset) -> None:
    """Runs on a dataset that is here, on one that is not, on two splits and tracks; hostile ones; ones that failed."""
    for number, method in enumerate(("fine", "rough", "worse"), 1):
        leave_predicted(root, salt, method, 100.0 * number)
    leave_predicted(root, salt, "helped", 10.0, track="oracle-start")
    leave_predicted(root, FIELDS, "fine", 0.1)
    errors = np.random.default_rng(0).lognormal(3, 0.3, 20)
    for split in ("random", "block"):
        leave(root, "level", errors, split=split, environment=ENVIRONMENT)
        leave(root, "=cmd()", errors + 9, split=split, chosen=HOSTILE, notes=["<script>alert(1)</script>"])
    leave(root, "<img src=x onerror=alert(1)>", None, reason="<script>alert(2)</script>", track="extra-data")
    leave(root, "fine", None, dataset="marmousi", reason="out of memory")


@pytest.fixture(scope="session")
def laid_out(tmp_path_factory: pytest.TempPathFactory, salt: Dataset) -> Path:
    root = tmp_path_factory.mktemp("page") / "results"
    lay_out(root, salt)
    return root


@pytest.fixture
def sources(laid_out: Path, registry: Registry) -> Sources:
    results = Results(laid_out)
    return Sources(results, results.records()[0], registry)


class WithFields(Sources):
    """Sources one of whose datasets, of electric fields, is in memory."""

    def dataset(self, cell: Cell) -> Dataset | None:
        return FIELDS if cell.fingerprint == FIELDS.fingerprint else super().dataset(cell)  # type: ignore[return-value]


@pytest.fixture(scope="session")
def page(laid_out: Path, registry: Registry, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of all these runs, with few of their figures: those take long, and have tests of their own."""
    results = Results(laid_out)
    records, _ = results.records()
    path = tmp_path_factory.mktemp("written") / "report.html"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("fwibench.report.page.figures.list_drawings", lambda *kinds: list_drawings(*kinds)[:8:7])
        write_page(WithFields(results, records, registry), path, PageOptions(title="<b>A & B</b>", published=True))
    return path
