"""The processes that see the truth: `python -m fwibench.runs.scoring.process score|diagnose|rescore FOLDER LIFE`.

Invariant: scores are computed from stored predictions by a process that loads no code of the method. Diagnostics, which
are the method's code, come afterwards in another process and cannot change scores unnoticed.
"""

from __future__ import annotations

import json
import sys
import traceback
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fwibench.errors import FwibenchError
from fwibench.plugins.isolation import describe
from fwibench.plugins.registry import Registry, load_registry
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.predictions import read_predictions
from fwibench.runs.artefacts.record import Record, finite
from fwibench.runs.artefacts.scores import write_scores
from fwibench.runs.opening.datasets import reopen_dataset, scored_split
from fwibench.runs.opening.methods import load_model, rows_at_once
from fwibench.runs.opening.truth import count_exact
from fwibench.runs.processes.child import claim_stdout, classify, die_with_warden, leave_at_once, tell_broken
from fwibench.runs.processes.messages import (
    Diagnosed,
    Job,
    Measured,
    Scored,
    describe_plugins,
    find,
    leave,
)
from fwibench.runs.processes.start import Tell
from fwibench.runs.scoring.rescore import Order, rescore
from fwibench.runs.scoring.score import score


def main(task: str, folder: Path, life: int) -> None:
    """Score the predictions in `folder`, or ask the method for its diagnostics, or score finished runs again."""
    tell = claim_stdout()
    die_with_warden(life)
    if task == "rescore":
        _rescore(Order.model_validate(json.loads((RunFiles(folder).order).read_bytes())), tell)
        return
    job = Job.model_validate_json((RunFiles(folder).job).read_bytes())
    try:
        if task == "score":
            leave(_score(job, folder), RunFiles(folder).scored)
        else:
            leave(_diagnose(job, folder), RunFiles(folder).diagnosed)
    except FwibenchError as error:
        traceback.print_exc()
        tell({"ended": {"status": "failed", "reason": str(error)}})


def score_predictions(record: Record, registry: Registry, folder: Path, metrics: list[str]) -> Scored:
    """Compute the scores of stored predictions and write their table.

    Args:
        record: Of the cell.
        registry: Where dataset and metrics are looked up.
        folder: Holds `predictions.npz`; receives `scores.csv`.
        metrics: Names.
    """
    dataset = reopen_dataset(registry, record.cell)
    test, problem = scored_split(dataset, record.cell), dataset.measured_problem
    prediction = read_predictions(folder, test.ids, dataset.problem.property_shape).maps
    scores, notes = score(prediction, test, metrics, registry, problem)
    write_scores(scores, folder)
    if exact := count_exact(prediction, test, rows_at_once(problem)):
        notes.append(
            f"{exact} of {len(test)} predictions equal the truth in every node, which no inversion reaches: "
            "find out how the method came to know it"
        )
    return Scored(n_test=len(test), scores=scores.means(), notes=notes, plugins=describe_plugins(registry))


def diagnose(record: Record, registry: Registry, folder: Path, workdir: Path) -> dict[str, float]:
    """Return the diagnostics of the method whose model lies in `folder`.

    Args:
        record: Of the cell.
        registry: Where method and dataset are looked up.
        folder: Holds `model/`; lies among the runs.
        workdir: The method's own folder.
    """
    from fwibench.methods.context import RunContext

    dataset = reopen_dataset(registry, record.cell)
    cell = record.cell
    context = RunContext(
        workdir=workdir, device=record.device, dataset=cell.dataset, method=cell.method, repetition=cell.seed
    )
    method = load_model(RunFiles(folder).model, cell, folder.parent, registry, dataset.measured_problem, context)
    return finite(method.diagnostics(scored_split(dataset, cell)))


def _score(job: Job, folder: Path) -> Scored:
    registry = load_registry(job.scoring_plugins)
    tell_broken(registry)
    try:
        return score_predictions(job.record, registry, folder, job.metrics)
    except (Exception, SystemExit) as error:
        traceback.print_exc()
        status, reason = classify(error)
        return Scored(status="oom" if status == "oom" else "failed", reason=f"scoring: {reason}")


def _rescore(order: Order, tell: Tell) -> None:
    registry = load_registry(order.plugins)
    tell_broken(registry)
    for folder in order.folders:
        found: dict[str, Any] = {"folder": str(folder)}
        try:
            record, failures = rescore(folder, order.metrics, registry)
            found |= {"scores": record.scores, "failures": failures}
        except FwibenchError as error:
            found |= {"error": error.message, "hint": error.hint}
        except (Exception, SystemExit) as error:
            traceback.print_exc()
            found |= {"error": describe(error), "hint": "--debug shows where"}
        tell({"rescored": found})


def _diagnose(job: Job, folder: Path) -> Diagnosed:
    registry = load_registry(job.method_plugins)
    measured = find(Measured, RunFiles(folder).draft)
    try:
        if measured is None:
            raise FwibenchError("the method's process left no record")
        record = job.record.model_copy(update={"device": measured.device})
        with TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
            return Diagnosed(figures=diagnose(record, registry, folder, Path(scratch)))
    except (Exception, SystemExit) as error:
        traceback.print_exc()
        return Diagnosed(fault=describe(error))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
    leave_at_once()
