"""Repetition of a run, and comparison of its result with the original.

Invariant: the original run is not changed; the repetition is written to a folder without any run. They agree if their
scores do, or if both failed with the same kind of error; other differences are reported as possible explanations.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from fwibench.errors import DataError, FwibenchError, RecordError, UsageError
from fwibench.methods.context import FIT_BATCHES, FIT_PRECISION, FIT_THREADS
from fwibench.plugins.registry import Registry
from fwibench.runs.artefacts.cell import Cell
from fwibench.runs.artefacts.differences import Change, find_changes
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.record import EXTERNAL, Record, read_record
from fwibench.runs.artefacts.scores import read_scores
from fwibench.runs.planning.plan import PlannedCell, make_plan
from fwibench.runs.planning.request import Request
from fwibench.runs.scoring.score import pool_scores

Predicted = Literal["equal", "different", "not stored"]


@dataclass(frozen=True)
class Comparison:
    """Comparison of a run with its repetition.

    Attributes:
        comparable: Whether the first run has scores to compare, or a status other than `ok`.
        scores: Both values of each metric of the first run that is installed.
        changes: Differences of status, kind of error, and scores beyond the tolerance.
        left_out: Metrics of the first run that are not installed.
        predictions: Whether the predictions are bitwise equal.
        largest: Largest difference of the predictions at a node, in the property's unit; None if not known.
        environment: Differences of hardware and software.
    """

    comparable: bool
    scores: tuple[Change, ...]
    changes: tuple[Change, ...]
    left_out: tuple[str, ...]
    predictions: Predicted
    largest: float | None
    environment: tuple[Change, ...]

    @property
    def agrees(self) -> bool:
        """Whether status and kind of error are equal, and scores within the tolerance."""
        return self.comparable and not self.changes


def read_run(folder: Path, *, to_run: bool = True) -> tuple[Record, Record | None]:
    """Read the records of a run and of the run that it builds on.

    Args:
        folder: Folder of the run.
        to_run: Whether the run is going to be repeated.

    Returns:
        The record of the run, and that of the run it builds on, if any and if it can be read.

    Raises:
        RecordError: The record of the run cannot be read.
        UsageError: The run cannot be reproduced: no plugin offers its method, it did not run, or it reached its time
            limit.
    """
    record = read_record(RunFiles(folder).record)
    if record.kind == EXTERNAL:
        raise UsageError(
            f"{record.run_id} is external: no plugin offers {record.cell.method}, so its result cannot be reproduced "
            "here",
            "fwibench rescore computes its scores again from its predictions",
        )
    if to_run and record.status == "not-run":
        raise UsageError(f"{record.run_id} was not run, so it has no result to compare with", "choose another run")
    if to_run and record.status == "timeout":
        raise UsageError(
            f"{record.run_id} was ended by a time limit, which is not part of the cell: {record.reason}",
            "--print shows the command; add --time-limit",
        )
    return record, next((one for one in read_needed(folder, record) if one.run_id == record.cell.base), None)


def read_needed(folder: Path, record: Record) -> list[Record]:
    """Return the records of the runs that a run needs, those that can be read.

    Args:
        folder: Folder of the run.
        record: Its record.
    """
    found = []
    for run in record.cell.needed_runs:
        with suppress(RecordError):
            found.append(read_record(RunFiles(folder.parent / run).record))
    return found


def fresh_folder(results: Path, run: str, output: Path | None) -> Path:
    """Return the results folder of the repetition, which has no run yet.

    Args:
        results: Results folder of the original run.
        run: Name of the run.
        output: Folder given by the user; None selects a new folder in `results`.

    Returns:
        The folder, which need not exist.

    Raises:
        UsageError: The folder given by the user is not empty.
    """
    if output is not None:
        if output.exists() and (not output.is_dir() or any(output.iterdir())):
            raise UsageError(f"{output} is not empty; nothing is overwritten", "name a new folder")
        return output
    parent = results / "reproduced"
    number, folder = 1, parent / run
    while folder.exists():
        number += 1
        folder = parent / f"{run}-{number}"
    return folder


def plan_again(
    request: Request, record: Record, base: Record | None, registry: Registry
) -> tuple[list[PlannedCell], list[str]]:
    """Plan the repetition of a run.

    Args:
        request: Request made by `request_of`.
        record: Record of the run.
        base: Record of the run that it builds on, if any.
        registry: Registry of methods, datasets and metrics.

    Returns:
        The cells of the request, and the reasons why the record's cell is not among them or cannot run; empty if it
        can.
    """
    try:
        plan = make_plan(request, registry, [one.cell for one in (base, record) if one])
    except FwibenchError as error:
        return [], [f"{error.message}{f' ({error.hint})' if error.hint else ''}"]
    planned = next((one for one in plan if one.cell.key == record.cell.key), None)
    if planned is not None:
        expected_skip = record.status == "skipped"
        return plan, [f"it cannot run here: {planned.skip}"] if planned.skip and not expected_skip else []
    return plan, list(_explain_changes(record.cell, plan[-1].cell)) or ["the same request makes another cell here"]


def _explain_changes(then: Cell, now: Cell) -> Iterator[str]:
    """Yield a line for each difference between the recorded cell and the planned one."""
    if (then.method, then.dataset) != (now.method, now.dataset):
        return
    if then.method_version != now.method_version:
        yield f"{then.method} was version {then.method_version}, here it is {now.method_version}"
    if then.fingerprint != now.fingerprint:
        yield (
            f"{then.dataset} has other samples here: fingerprint {now.fingerprint[:12]}, it was {then.fingerprint[:12]}"
        )
    for name in dict.fromkeys([*then.options, *now.options]):
        old, new = then.options.get(name, "absent"), now.options.get(name, "absent")
        if old != new:
            yield f"option {name} of {then.method} was {old}, here it is {new}"
    if then.tested_on and now.tested_on and then.tested_on.fingerprint != now.tested_on.fingerprint:
        old, new = (one.fingerprint[:12] for one in (then.tested_on, now.tested_on))
        yield f"{then.tested_on.dataset} has other samples here: fingerprint {new}, it was {old}"
    if then.base != now.base:
        yield f"it was built on {then.base}, here it builds on {now.base}"
    for name in ("split", "seed", "test_samples", "budget", "plugin"):
        old, new = getattr(then, name), getattr(now, name)
        if old != new:
            yield f"{name.replace('_', ' ')} was {_show(old)}, here it is {_show(new)}"


@contextmanager
def same_fit(*records: Record) -> Iterator[None]:
    """Use the recorded number of threads, number format and batches for fits in the block, unless the user set them.

    Sums with another number of threads are rounded differently, and training amplifies such differences. With a time
    budget another number of batches would be chosen.

    Args:
        records: Record of the run to repeat, and those of the runs that it needs.
    """
    # a transferred cell has no fit of its own
    fitted = [one for one in records if not one.cell.model]
    threads = [one.costs.fit_threads or one.environment.get("threads") for one in fitted]
    chosen = {
        FIT_THREADS: next((number for number in threads if isinstance(number, int)), None),
        FIT_PRECISION: next((one.costs.fit_precision for one in fitted if one.costs.fit_precision), None),
    }
    batches = {one.costs.fit_batches for one in fitted} - {None}
    # one variable cannot serve a run and its base
    chosen[FIT_BATCHES] = batches.pop() if len(batches) == 1 else None
    if any(name in os.environ for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")):
        del chosen[FIT_THREADS]
    added = {name: str(value) for name, value in chosen.items() if value is not None and name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]


def compare_runs(first: Path, second: Path, registry: Registry, tolerance: float) -> Comparison:
    """Compare a run with its repetition.

    Args:
        first: Folder of the original run.
        second: Folder of the repetition.
        registry: Registry of the installed metrics.
        tolerance: Largest relative difference of scores that counts as equal.

    Returns:
        The comparison.

    Raises:
        RecordError: A record cannot be read.
    """
    one, two = (_pool_again(read_record(RunFiles(folder).record), folder, registry) for folder in (first, second))
    known = [name for name in one.scores if name in registry.metrics]
    ours, theirs = (
        # metrics that the first run does not have are not compared
        record.model_copy(update={"scores": {name: record.scores.get(name) for name in known}})
        for record in (one, two)
    )
    predictions, largest = _compare_predictions(first, second)
    return Comparison(
        comparable=bool(known) or one.status != "ok",
        scores=tuple(Change(one.run_id, name, ours.scores[name], theirs.scores[name]) for name in known),
        changes=(*find_changes(ours, theirs, tolerance), *_compare_reasons(one, two)),
        left_out=tuple(name for name in one.scores if name not in known),
        predictions=predictions,
        largest=largest,
        environment=tuple(_compare_environments(one, two)),
    )


def _pool_again(record: Record, folder: Path, registry: Registry) -> Record:
    """The record with scores pooled as their metrics declare now: early versions took the mean of all of them."""
    specs = {name: registry.metric(name).spec for name in record.scores if name in registry.metrics}
    names = [name for name, spec in specs.items() if spec.pooling != "mean"]
    try:
        pooled = pool_scores(read_scores(folder, names), registry) if names else {}
    except RecordError:
        return record
    return record.model_copy(update={"scores": {**record.scores, **pooled}})


def _compare_reasons(first: Record, second: Record) -> Iterator[Change]:
    """Yield a change if two failures are of different kinds; details after the colon, such as sizes, may differ."""
    kinds = [record.reason.partition(":")[0] for record in (first, second)]
    if first.status == second.status == "failed" and kinds[0] != kinds[1]:
        yield Change(first.run_id, "reason", first.reason, second.reason)


def _compare_predictions(first: Path, second: Path) -> tuple[Predicted, float | None]:
    import numpy as np

    from fwibench.runs.artefacts.predictions import read_predictions

    try:
        ours, theirs = read_predictions(first), read_predictions(second)
    except DataError:
        return "not stored", None
    if ours.ids != theirs.ids or ours.maps.shape != theirs.maps.shape:
        return "different", None
    same = ours.maps.dtype == theirs.maps.dtype and ours.maps.tobytes() == theirs.maps.tobytes()
    return "equal" if same else "different", float(np.abs(ours.maps.astype(np.float64) - theirs.maps).max())


def _compare_environments(first: Record, second: Record) -> Iterator[Change]:
    ours, theirs = (dict(_flatten({"device": one.device, **one.environment})) for one in (first, second))
    for name in dict.fromkeys([*ours, *theirs]):
        if name != "command" and ours.get(name) != theirs.get(name):
            yield Change(first.run_id, name, *(_show(side.get(name)) for side in (ours, theirs)))


def _flatten(values: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flatten(value, f"{name} " if name == "git" else "")
        else:
            yield prefix + name, value


def _show(value: Any) -> str:
    return "none" if value in (None, "") else str(value)
