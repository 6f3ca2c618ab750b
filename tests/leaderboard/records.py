"""Records and scores made up for tests."""

from pathlib import Path
from typing import Any

import numpy as np

from fwibench.runs.artefacts.cell import Cell
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.record import Record, write_record
from fwibench.runs.artefacts.results import Results
from fwibench.runs.artefacts.scores import Scores, write_scores


def leave(
    root: Path,
    method: str,
    mae: Any,
    *,
    ids: Any = None,
    seed: int = 0,
    test_samples: int | None = None,
    **changes: Any,
) -> Record:
    """Leaves a run with these errors of its samples in a results folder; None for one that failed."""
    chosen = changes.get("chosen", {})
    cell = Cell(
        method=method,
        method_version=changes.pop("version", "1"),
        options={"alpha": 1.0, **chosen},
        dataset=changes.pop("dataset", "salt"),
        dataset_options={},
        fingerprint=changes.pop("fingerprint", "f" * 64),
        split=changes.pop("split", "random"),
        seed=seed,
        profile=changes.pop("profile", "quick"),
        test_samples=test_samples,
    )
    fields: dict[str, Any] = {"source": "synthetic", "unit": "m/s", "started": f"2026-01-0{seed + 1}", **changes}
    record = Record(cell=cell, status="failed" if mae is None else "ok", **fields)
    folder = Results(root).folder(cell)
    if mae is not None:
        errors = np.asarray(mae, float)
        names = tuple(ids or (f"s-{number:03d}" for number in range(len(errors))))
        scores = Scores(names, {"mae": errors, "ssim": 1 / (1 + errors)})
        write_scores(scores, folder)
        record = record.model_copy(update={"scores": scores.means(), "n_test": len(errors)})
    write_record(record, RunFiles(folder).record)
    return record
