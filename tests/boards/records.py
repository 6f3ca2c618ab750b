"""Records and scores made up for tests."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from fwibench.boards.board import Board, make_board
from fwibench.boards.columns import columns_of
from fwibench.boards.rows import Columns
from fwibench.plugins.registry import load_registry
from fwibench.runs.artefacts.cell import Cell
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.record import Record, write_record
from fwibench.runs.artefacts.results import Results
from fwibench.runs.artefacts.scores import Scores, write_scores


@cache
def builtin_columns() -> Columns:
    """Columns of the metrics that come with fwibench."""
    return columns_of(load_registry(only=()))


def read_board(
    root: Path, *, metrics: Iterable[str] = (), common: bool = False, columns: Columns | None = None
) -> Board:
    """Reads the leaderboard of a results folder."""
    results = Results(root)
    return make_board(
        results.records()[0], columns or builtin_columns(), results.scores, metrics=tuple(metrics), common=common
    )


def leave(
    root: Path,
    method: str,
    mae: Any,
    *,
    ids: Any = None,
    groups: tuple[str, ...] = (),
    seed: int = 0,
    test_samples: int | None = None,
    further: dict[str, Any] | None = None,
    **changes: Any,
) -> Record:
    """Leaves a run with these errors of its samples, and scores of further metrics, in a results folder.

    Errors of None make a run that failed.
    """
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
        own = {name: np.asarray(values, float) for name, values in (further or {}).items()}
        scores = Scores(names, {"mae": errors, "ssim": 1 / (1 + errors), **own}, groups)
        write_scores(scores, folder)
        record = record.model_copy(update={"scores": scores.pooled(), "n_test": len(errors)})
    write_record(record, RunFiles(folder).record)
    return record
