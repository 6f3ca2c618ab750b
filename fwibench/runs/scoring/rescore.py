"""Scores of a finished run from its stored predictions, for a metric that came later.

Invariant: predictions are read, never made; the table of scores and the record are each whole at any time. The run's
lock is held, so scores always belong to the predictions beside them.
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
from fwibench.runs.artefacts.scores import Scores, read_scores, write_scores
from fwibench.runs.opening.datasets import reopen_dataset, scored_split
from fwibench.runs.scoring.score import note_of, score
from fwibench.typing import Array64

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
    record = read_record(RunFiles(folder).record)
    dataset = reopen_dataset(registry, record.cell)
    test = scored_split(dataset, record.cell)
    prediction = read_predictions(folder, test.ids, dataset.problem.property_shape).maps
    known = _known(folder, test.ids)
    if not known:
        metrics = list(dict.fromkeys([*metrics, *record.scores]))
    scored, failures = score(prediction, test, metrics, registry, dataset.measured_problem)
    kept = [name for name in known if any(one.startswith(note_of(name)) for one in failures)]
    metrics = [name for name in metrics if name not in kept]
    notes = [note for note in record.notes if not note.startswith(tuple(map(note_of, metrics)))]
    notes += [note for note in failures if not note.startswith(tuple(map(note_of, kept)))]
    scores = Scores(test.ids, {**known, **{name: scored.values[name] for name in metrics}})
    write_scores(scores, folder)
    # only what was computed: the means of the others stay to the last digit
    means = {name: mean for name, mean in scores.means().items() if name in metrics}
    updated = record.model_copy(update={"scores": {**record.scores, **means}, "notes": notes})
    write_record(updated, RunFiles(folder).record)
    return updated, failures


def _known(folder: Path, ids: Sequence[str]) -> dict[str, Array64]:
    """Scores of the run so far; none where their table is damaged or not of these samples: then all are made again."""
    try:
        found = read_scores(folder)
    except RecordError:
        return {}
    return found.values if found.ids == tuple(ids) else {}


class Order(Frozen):
    """What the process that scores is to do; kept by `json`, for names of folders need not be UTF-8."""

    folders: list[Path]
    metrics: list[str]
    plugins: list[tuple[str, str]]
