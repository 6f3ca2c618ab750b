"""Processes with access to the truth: `python -m fwibench.runs.scoring.worker score|diagnose|rescore FOLDER LIVENESS`.

Invariant: scores are computed from stored predictions by a process that loads no code of the method. Diagnostics run
the method's code afterwards in another process, and changes of predictions or scores are detected.
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
from fwibench.runs.artefacts.samples import read_samples
from fwibench.runs.artefacts.scores import write_scores
from fwibench.runs.opening.datasets import reopen_dataset, reopen_fitted_dataset, scored_split
from fwibench.runs.opening.methods import load_model, model_folder
from fwibench.runs.processes.child import (
    classify,
    exit_immediately,
    exit_with_supervisor,
    log_broken_plugins,
    redirect_stdout,
)
from fwibench.runs.processes.messages import (
    Diagnosed,
    EventHandler,
    Job,
    Measured,
    Scored,
    describe_plugins,
    read_message,
    write_message,
)
from fwibench.runs.scoring.rescore import RescoreJob, rescore
from fwibench.runs.scoring.score import exact_notes, pool_scores, score


def main(task: str, folder: Path, liveness: int) -> None:
    """Compute scores or diagnostics of an attempt, or scores of finished runs.

    Args:
        task: `score`, `diagnose` or `rescore`.
        folder: Folder with the job; receives the results of `score` and `diagnose`.
        liveness: Descriptor of a pipe that closes when this process must end.
    """
    send = redirect_stdout()
    exit_with_supervisor(liveness)
    if task == "rescore":
        _rescore(RescoreJob.model_validate(json.loads(RunFiles(folder).order.read_bytes())), send)
        return
    job = Job.model_validate_json(RunFiles(folder).job.read_bytes())
    try:
        if task == "score":
            write_message(_score(job, folder), RunFiles(folder).scored)
        else:
            write_message(_diagnose(job, folder), RunFiles(folder).diagnosed)
    except FwibenchError as error:
        traceback.print_exc()
        send({"ended": {"status": "failed", "reason": str(error)}})


def score_predictions(record: Record, registry: Registry, folder: Path, metrics: list[str]) -> Scored:
    """Compute the scores of stored predictions and write `scores.csv`.

    Args:
        record: Record of the cell.
        registry: Registry of dataset and metrics.
        folder: Folder with `predictions.npz` and, if there are samples, `samples.npy`; receives `scores.csv`.
        metrics: Names of the metrics.

    Returns:
        Scores over all samples, and notes.

    Raises:
        DataError: The predictions cannot be read, or are not of the test samples.
    """
    dataset = reopen_dataset(registry, record.cell)
    test, problem = scored_split(dataset, record.cell), dataset.measured_problem
    prediction = read_predictions(folder, test.ids, dataset.problem.property_shape).maps
    samples = read_samples(folder, prediction, problem.property)
    scores, notes = score(prediction, test, metrics, registry, problem, samples)
    write_scores(scores, folder)
    notes += exact_notes(prediction, test, problem)
    pooled = pool_scores(scores, registry)
    return Scored(n_test=len(test), scores=pooled, notes=notes, plugins=describe_plugins(registry))


def diagnose(record: Record, registry: Registry, folder: Path, workdir: Path) -> dict[str, float]:
    """Return the diagnostics of a fitted method.

    Args:
        record: Record of the cell.
        registry: Registry of method and dataset.
        folder: Folder with the method's `model/`, in the folder of the runs; see `model_folder`.
        workdir: Working folder of the method.

    Returns:
        Finite values by name.
    """
    from fwibench.methods.context import RunContext

    cell = record.cell
    problem = reopen_fitted_dataset(registry, cell).measured_problem
    context = RunContext(
        workdir=workdir, device=record.device, dataset=cell.dataset, method=cell.method, repetition=cell.seed
    )
    method = load_model(model_folder(folder, cell), cell, folder.parent, registry, problem, context)
    return finite(method.diagnostics(scored_split(reopen_dataset(registry, cell), cell)))


def _score(job: Job, folder: Path) -> Scored:
    registry = load_registry(job.scoring_plugins)
    log_broken_plugins(registry)
    try:
        return score_predictions(job.record, registry, folder, job.metrics)
    except (Exception, SystemExit) as error:
        traceback.print_exc()
        status, reason = classify(error)
        return Scored(status="oom" if status == "oom" else "failed", reason=f"scoring: {reason}")


def _rescore(job: RescoreJob, send: EventHandler) -> None:
    registry = load_registry(job.plugins)
    log_broken_plugins(registry)
    for folder in job.folders:
        found: dict[str, Any] = {"folder": str(folder)}
        try:
            record, failures = rescore(folder, job.metrics, registry)
            found |= {"scores": record.scores, "failures": failures}
        except FwibenchError as error:
            found |= {"error": error.message, "hint": error.hint}
        except (Exception, SystemExit) as error:
            traceback.print_exc()
            found |= {"error": describe(error), "hint": "--debug shows where"}
        send({"rescored": found})


def _diagnose(job: Job, folder: Path) -> Diagnosed:
    registry = load_registry(job.method_plugins)
    measured = read_message(Measured, RunFiles(folder).draft)
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
    exit_immediately()
