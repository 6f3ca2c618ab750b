"""Entries made up for tests of the site."""

from datetime import UTC, datetime
from typing import Any

import numpy as np

from fwibench.report.site.entries import Entry, Submission
from fwibench.runs.artefacts.cell import Cell
from fwibench.runs.artefacts.record import Record
from fwibench.runs.artefacts.scores import Scores

SHAPE = (1, 6, 8)


def make_entry(
    method: str,
    errors: Any,
    *,
    day: int = 1,
    seed: int = 0,
    metrics: dict[str, str] | None = None,
    fingerprint: str = "f" * 64,
    ids: tuple[str, ...] = (),
    **changes: Any,
) -> Entry:
    """An entry with these absolute errors of its samples, submitted on a day of January 2026."""
    values = np.asarray(errors, float)
    cell = Cell(
        method=method,
        method_version="1",
        options={},
        dataset=changes.pop("dataset", "salt"),
        dataset_options={},
        fingerprint=fingerprint,
        split=changes.pop("split", "random"),
        seed=seed,
        profile="quick",
    )
    scores = Scores(ids or tuple(f"s-{number:03d}" for number in range(len(values))), {"mae": values})
    fields: dict[str, Any] = {"source": "synthetic", "unit": "m/s", "started": "2026-01-01", **changes}
    record = Record(cell=cell, status="ok", scores=scores.pooled(), n_test=len(values), **fields)
    created = datetime(2026, 1, day, tzinfo=UTC)
    return Entry(
        record=record,
        scores=scores,
        metrics={"mae": "1"} if metrics is None else metrics,
        left_out=(),
        rounding=0.1,
        submission=Submission(f"{method}.zip", f"{day:064x}", created, "0", "stated"),
        predictions=lambda: np.zeros((len(values), *SHAPE), np.float32),
    )


def errors(mean: float, seed: int = 0, n: int = 20) -> np.ndarray:
    """Errors of `n` samples; other seeds have other samples' difficulty, the same mean."""
    drawn = np.random.default_rng(seed).lognormal(0, 0.2, n)
    return mean * drawn / drawn.mean()
