"""Scores of finished runs from their stored predictions, for a metric that came later.

Invariant: predictions are read, never made; the table of scores and the record are each whole at any time.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fwibench.errors import RecordError
from fwibench.plugins.registry import Registry
from fwibench.runs.plan import reopen_dataset, scored_split
from fwibench.runs.predictions import read_predictions
from fwibench.runs.record import Record, read_record, write_record
from fwibench.runs.results import RECORD
from fwibench.runs.scores import Scores, read_scores, write_scores
from fwibench.runs.scoring import note_of, score


def rescore(folder: Path, metrics: Sequence[str], registry: Registry) -> Record:
    """Computes metrics of a finished run again; other scores stay as they are, unless their table is damaged.

    Args:
        folder: Of the run.
        metrics: Names; a metric that fails leaves its score empty and a note in the record.
        registry: Where they and the dataset are looked up.

    Returns:
        The record as it is now.

    Raises:
        RecordError: The record cannot be read.
        DataError: The predictions are not there or not of the dataset's test samples.
        FwibenchError: The dataset's samples are not those of the run any more.
    """
    record = read_record(folder / RECORD)
    dataset = reopen_dataset(registry, record.cell)
    test = scored_split(dataset, record.cell)
    prediction = read_predictions(folder, test.ids).maps
    known = _known(folder, test.ids)
    if not known:
        metrics = list(dict.fromkeys([*metrics, *record.scores]))
    notes = [note for note in record.notes if not note.startswith(tuple(map(note_of, metrics)))]
    values = score(prediction, test, metrics, registry, dataset.measured_problem, notes).values
    scores = Scores(test.ids, {**known, **values})
    write_scores(scores, folder)
    # only what was asked for: the means of the others stay to the last digit
    means = {name: mean for name, mean in scores.means().items() if name in metrics}
    updated = record.model_copy(update={"scores": {**record.scores, **means}, "notes": notes})
    write_record(updated, folder / RECORD)
    return updated


def _known(folder: Path, ids: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """Scores of the run so far; none where their table is damaged or not of these samples: then all are made again."""
    try:
        found = read_scores(folder)
    except RecordError:
        return {}
    return found.values if found.ids == tuple(ids) else {}
