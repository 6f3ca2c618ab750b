"""Scores of finished runs from their stored predictions, for a metric that came later.

Invariant: predictions are read, never made; the table of scores and the record are each whole at any time. The run's
lock is held, so scores always belong to the predictions beside them.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwibench.errors import RecordError
from fwibench.files import write_text
from fwibench.plugins.registry import Registry
from fwibench.problem import Frozen
from fwibench.runs.plan import reopen_dataset, scored_split
from fwibench.runs.predictions import read_predictions
from fwibench.runs.processes import run_process
from fwibench.runs.record import Record, read_record, write_record
from fwibench.runs.results import RECORD, Results
from fwibench.runs.scores import Scores, read_scores, write_scores
from fwibench.runs.scoring import note_of, score

WAIT_S = 60.0
"""How long a run on which another command works is waited for."""


def rescore(folder: Path, metrics: Sequence[str], registry: Registry) -> tuple[Record, list[str]]:
    """Computes metrics of a finished run again; other scores stay as they are, unless their table is damaged.

    Args:
        folder: Of the run.
        metrics: Names; of a metric that fails, scores that are there stay, and if there are none, the record says why.
        registry: Where they and the dataset are looked up.

    Returns:
        The record as it is now, and a line for each metric that failed.

    Raises:
        RecordError: The record cannot be read.
        DataError: The predictions are not there or not of the dataset's test samples.
        BusyError: Another command works on the run.
        FwibenchError: The dataset's samples are not those of the run any more.
    """
    with Results(folder.parent.parent).locked(folder.name, WAIT_S):
        return _rescore(folder, metrics, registry)


def _rescore(folder: Path, metrics: Sequence[str], registry: Registry) -> tuple[Record, list[str]]:
    record = read_record(folder / RECORD)
    dataset = reopen_dataset(registry, record.cell)
    test = scored_split(dataset, record.cell)
    prediction = read_predictions(folder, test.ids, dataset.problem.property_shape).maps
    known = _known(folder, test.ids)
    if not known:
        metrics = list(dict.fromkeys([*metrics, *record.scores]))
    failures: list[str] = []
    values = score(prediction, test, metrics, registry, dataset.measured_problem, failures).values
    kept = [name for name in known if any(one.startswith(note_of(name)) for one in failures)]
    metrics = [name for name in metrics if name not in kept]
    notes = [note for note in record.notes if not note.startswith(tuple(map(note_of, metrics)))]
    notes += [note for note in failures if not note.startswith(tuple(map(note_of, kept)))]
    scores = Scores(test.ids, {**known, **{name: values[name] for name in metrics}})
    write_scores(scores, folder)
    # only what was computed: the means of the others stay to the last digit
    means = {name: mean for name, mean in scores.means().items() if name in metrics}
    updated = record.model_copy(update={"scores": {**record.scores, **means}, "notes": notes})
    write_record(updated, folder / RECORD)
    return updated, failures


def _known(folder: Path, ids: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """Scores of the run so far; none where their table is damaged or not of these samples: then all are made again."""
    try:
        found = read_scores(folder)
    except RecordError:
        return {}
    return found.values if found.ids == tuple(ids) else {}


@dataclass(frozen=True)
class Rescored:
    """What came of one run.

    Attributes:
        folder: Of the run.
        scores: Means as they are now; empty if there was an error.
        failures: A line for each metric that failed.
        error: Why the scores were left as they were; empty if they were not.
        hint: What to do about that.
    """

    folder: Path
    scores: dict[str, float | None] = field(default_factory=dict)
    failures: tuple[str, ...] = ()
    error: str = ""
    hint: str = ""


def _show_log(path: Path) -> None:
    """Pass on the warnings of the process that scores, and all it says where the user debugs."""
    for line in path.read_text(errors="replace").splitlines():
        if line.startswith("warning: ") or os.environ.get("FWIBENCH_DEBUG"):
            sys.stderr.write(line + "\n")


class Order(Frozen):
    """What the process that scores is to do; kept by `json`, for names of folders need not be UTF-8."""

    folders: list[Path]
    metrics: list[str]
    plugins: list[tuple[str, str]]


ORDER = "order.json"


def rescore_runs(runs: Sequence[tuple[Path, Record]], metrics: Sequence[str], registry: Registry) -> Iterator[Rescored]:
    """Rescore runs in processes that load no other plugins than those of the datasets and the metrics.

    Args:
        runs: Folders and records.
        metrics: Names.
        registry: All plugins.
    """
    groups: dict[tuple[tuple[str, str], ...], list[Path]] = {}
    for folder, record in runs:
        known = [name for name in (*metrics, *record.scores) if name in registry.metrics]
        plugins = [registry.metric(name).plugin for name in known]
        if record.cell.dataset in registry.datasets:
            plugins.append(registry.dataset(record.cell.dataset).plugin)
        keys = tuple(sorted({(plugin.distribution, plugin.name) for plugin in plugins}))
        groups.setdefault(keys, []).append(folder)
    for keys, folders in groups.items():
        yield from _rescore_apart(Order(folders=folders, metrics=list(metrics), plugins=list(keys)))


def _rescore_apart(order: Order) -> Iterator[Rescored]:
    done: dict[Path, Rescored] = {}

    def tell(event: dict[str, Any]) -> None:
        found = event["rescored"]
        folder = Path(found.pop("folder"))
        done[folder] = Rescored(folder, **{**found, "failures": tuple(found.get("failures", ()))})

    with TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        place = Path(scratch)
        write_text(place / ORDER, json.dumps({**dict(order), "folders": list(map(str, order.folders))}))
        end = run_process("fwibench.runs.scorer", ["rescore", scratch], place, place / "log.txt", None, tell)
        _show_log(place / "log.txt")
    for folder in order.folders:
        lost = Rescored(folder, error=f"the process that scores ended with code {end.code}", hint="--debug shows more")
        yield done.get(folder, lost)
