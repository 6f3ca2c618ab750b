"""Scores of predictions that were made elsewhere, as a record.

Invariant: predictions are scored by the code that scores those of a run, so equal maps have equal scores. Costs are
empty unless they are stated, and then the record says so.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Sequence
from pathlib import Path

from fwibench.errors import RecordError, UsageError
from fwibench.plugins.registry import Registry
from fwibench.runs.artefacts.cell import Cell
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.record import EXTERNAL, Origin, Record, read_record
from fwibench.runs.artefacts.results import Results
from fwibench.runs.artefacts.scores import Scores
from fwibench.runs.external.checks import check_order, check_orientation, check_values, in_order
from fwibench.runs.external.files import Given
from fwibench.runs.external.statement import Statement
from fwibench.runs.external.targets import Target, check_same_data
from fwibench.runs.machine.environment import describe_environment
from fwibench.runs.planning.plan import metric_names
from fwibench.runs.scoring.score import exact_notes, pool_scores, score
from fwibench.typing import Maps

VERSION_LENGTH = 8
"""Characters of the hash of predictions that distinguish those of one name without a stated version."""


def content_sha256(maps: Maps) -> str:
    """Return the SHA-256 of maps in the order of the split; it does not depend on the format of their file."""
    return hashlib.sha256(maps.tobytes()).hexdigest()


def check_name(name: str, registry: Registry) -> None:
    """Raise `UsageError` unless a name is written as those of methods and no method has it."""
    if not re.fullmatch(r"[a-z][a-z0-9-]*", name):
        raise UsageError(
            f"the name is '{name}', expected a letter followed by lower-case letters, digits and hyphens",
            "choose one such as our-network",
        )
    if name in registry.methods:
        raise UsageError(
            f"{name} is the name of a method of {registry.methods[name].plugin.name}",
            f"choose another name, such as {name}-ours",
        )


def choose_metrics(asked: Sequence[str], target: Target, registry: Registry) -> list[str]:
    """Return the names of the default metrics and of those that are asked for.

    Args:
        asked: Names of metrics beyond the default ones.
        target: The test samples.
        registry: Registry of the metrics.

    Raises:
        UsageError: A metric is unknown, or needs measurements that a file with the truth does not hold.
    """
    specs = [registry.metric(name).spec for name in metric_names(asked, registry)]
    if target.truth_sha256:
        for spec in specs:
            if spec.name in asked and spec.compares != "property":
                raise UsageError(
                    f"{spec.name} compares measurements, and the file of the truth holds none",
                    "leave out the metric, or score where the dataset is",
                )
        specs = [spec for spec in specs if spec.compares == "property"]
    return [spec.name for spec in specs]


def score_given(
    given: Given, statement: Statement, cell: Cell, target: Target, registry: Registry, metrics: Sequence[str] = ()
) -> tuple[Record, Scores, Maps]:
    """Check predictions and score them.

    Args:
        given: The predictions.
        statement: What is stated about them.
        cell: Their cell, see `blank_cell`.
        target: The test samples.
        registry: Registry of the metrics.
        metrics: Metrics beyond the default ones.

    Returns:
        The record, the scores of each sample, and the maps in the order of the split.

    Raises:
        DataError: The predictions are not complete, not of these samples, in another unit, orientation or order, or
            not finite.
        UsageError: A metric cannot be computed.
    """
    test, problem = target.test, target.about.problem
    names = choose_metrics(metrics, target, registry)
    for fingerprint, what in ((statement.fingerprint, "the meta file"), (given.fingerprint, given.file)):
        check_same_data(target, fingerprint, what)
    maps, truth = in_order(given, test.ids), test.properties[:]
    notes = check_values(maps, test.ids, problem.property, given.file)
    check_orientation(maps, truth, given.file)
    notes += check_order(maps, truth, given.file) if given.ids is None else []
    scores, failures = score(maps, test, names, registry, problem)
    content = content_sha256(maps)
    record = Record(
        cell=cell.model_copy(update={"method_version": statement.version or content[:VERSION_LENGTH]}),
        status="ok",
        notes=[*notes, *failures, *exact_notes(maps, test, problem)],
        kind=EXTERNAL,
        track=statement.track,
        source=target.about.source,
        unit=problem.property.unit,
        n_test=len(test),
        scores=pool_scores(scores, registry),
        complexity=statement.costs.complexity,
        costs=statement.costs.costs,
        origin=Origin(
            file=Path(given.file).name,
            sha256=content,
            truth_sha256=target.truth_sha256,
            reference=statement.reference,
        ),
        # the machine that scores says nothing about the method
        environment={"packages": describe_environment()["packages"]},
        started=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    )
    record = record.model_copy(update={"costs_source": "stated"}) if record.has_costs else record
    return record, scores, maps


def blank_cell(name: str, target: Target, seed: int) -> Cell:
    """Return the cell of predictions, without the version.

    Args:
        name: Name of the method in tables.
        target: The test samples.
        seed: Number of the repetition, from 0.
    """
    return Cell(
        method=name,
        method_version="",
        options={},
        non_default={},
        **target.about.dataset.model_dump(),
        seed=seed,
        profile=target.about.profile,
        external=True,
    )


def check_replacement(record: Record, results: Results) -> None:
    """Raise `UsageError` if a results folder holds other predictions of the same name, version and seed."""
    try:
        known = read_record(RunFiles(results.folder(record.cell)).record)
    except RecordError:
        return
    if known.origin is None or record.origin is None or known.origin.sha256 != record.origin.sha256:
        raise UsageError(
            f"{record.run_id} in {results.root} holds other predictions of this name, version and seed",
            "state another version in the meta file or give another --seed; --force replaces them",
        )
