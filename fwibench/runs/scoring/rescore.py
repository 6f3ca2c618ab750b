"""Scores of a finished run from its stored predictions, for metrics that were added or changed later.

Invariant: no prediction is computed; the table of scores and the record are each complete at any time. The lock of the
run is held, so the scores always belong to the stored predictions.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fwibench.errors import RecordError
from fwibench.plugins.registry import Registry
from fwibench.problem import Frozen
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.predictions import read_predictions
from fwibench.runs.artefacts.record import Record, read_record, write_record
from fwibench.runs.artefacts.results import Results
from fwibench.runs.artefacts.samples import read_samples
from fwibench.runs.artefacts.scores import Scores, read_scores, write_scores
from fwibench.runs.opening.datasets import reopen_dataset, scored_split
from fwibench.runs.scoring.score import note_prefix, pool_scores, score
from fwibench.typing import Array64

WAIT_S = 60.0
"""Time to wait for another command that works on the run [s]."""


def rescore(folder: Path, metrics: Sequence[str], registry: Registry) -> tuple[Record, list[str]]:
    """Compute metrics of a finished run again; other scores stay unchanged, unless their table is damaged.

    The groups of the samples are stored anew, too: runs of early versions have none.

    Args:
        folder: Folder of the run.
        metrics: Names of the metrics. If one fails, its earlier scores are kept; without earlier scores the record gets
            a note.
        registry: Registry of metrics and dataset.

    Returns:
        The updated record, and a line for each metric that failed.

    Raises:
        RecordError: The record cannot be read.
        DataError: The predictions are missing, or are not of the dataset's test samples.
        BusyError: Another command works on the run.
        FwibenchError: The dataset's samples have changed since the run.
    """
    with Results(folder.parent.parent).locked(folder.name, WAIT_S):
        return _rescore(folder, metrics, registry)


def _rescore(folder: Path, metrics: Sequence[str], registry: Registry) -> tuple[Record, list[str]]:
    record = read_record(RunFiles(folder).record)
    dataset = reopen_dataset(registry, record.cell)
    test = scored_split(dataset, record.cell)
    prediction = read_predictions(folder, test.ids, dataset.problem.property_shape).maps
    known = _read_known_scores(folder, test.ids)
    if not known:
        metrics = list(dict.fromkeys([*metrics, *record.scores]))
    problem = dataset.measured_problem
    samples = read_samples(folder, prediction, problem.property)
    scored, failures = score(prediction, test, metrics, registry, problem, samples)
    kept = [name for name in known if any(one.startswith(note_prefix(name)) for one in failures)]
    metrics = [name for name in scored.values if name not in kept]
    notes = [note for note in record.notes if not note.startswith(tuple(map(note_prefix, metrics)))]
    notes += [note for note in failures if not note.startswith(tuple(map(note_prefix, kept)))]
    scores = Scores(test.ids, {**known, **{name: scored.values[name] for name in metrics}}, test.groups)
    write_scores(scores, folder)
    # only computed metrics: the other scores stay bitwise unchanged
    pooled = {name: score for name, score in pool_scores(scores, registry).items() if name in metrics}
    updated = record.model_copy(update={"scores": {**record.scores, **pooled}, "notes": notes})
    write_record(updated, RunFiles(folder).record)
    return updated, failures


def _read_known_scores(folder: Path, ids: Sequence[str]) -> dict[str, Array64]:
    """Return the earlier scores of a run; empty if their table is damaged or has other samples."""
    try:
        found = read_scores(folder)
    except RecordError:
        return {}
    return found.values if found.ids == tuple(ids) else {}


class RescoreJob(Frozen):
    """Message to the rescoring process; written with `json`, since folder names need not be UTF-8."""

    folders: list[Path]
    metrics: list[str]
    plugins: list[tuple[str, str]]
