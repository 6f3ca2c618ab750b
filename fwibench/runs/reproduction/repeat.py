"""A run made again, and whether its result agrees.

Invariant: the first run is read, never changed; the second goes to a folder without any run. Scores decide
whether they agree, or the kind of the error where both failed; what else is told may explain it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from fwibench.errors import DataError, FwibenchError, RecordError, UsageError
from fwibench.methods.context import FIT_THREADS
from fwibench.plugins.registry import Registry
from fwibench.runs.artefacts.cell import Cell
from fwibench.runs.artefacts.differences import Change, find_changes
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.record import Record, read_record
from fwibench.runs.planning.plan import PlannedCell, make_plan
from fwibench.runs.planning.request import Request

Predicted = Literal["equal", "different", "not stored"]


@dataclass(frozen=True)
class Comparison:
    """What the second run says of the first.

    Attributes:
        comparable: Whether the runs have anything to agree on: scores, or an end that gives none.
        scores: Each metric of the first that is known here, with both values.
        changes: What of status, kind of error and scores differs by more than the tolerance.
        left_out: Metrics of the first that are not known here.
        predictions: Whether they are the same to the last bit.
        largest: Largest difference of a node of the predictions, in the property's unit; None if not known.
        environment: What differs in the machine and the software, with both values.
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
        """Whether status, kind of error and scores are the same, but for the tolerance."""
        return self.comparable and not self.changes


def read_run(folder: Path, *, to_run: bool = True) -> tuple[Record, Record | None]:
    """The records of a run and of the one that it builds on; None for that where there is none, or it is not here.

    Args:
        folder: Of the run.
        to_run: Whether the run is to be made again.

    Raises:
        RecordError: That of the run cannot be read.
        UsageError: There is no end that making it again could reach.
    """
    record = read_record(RunFiles(folder).record)
    if to_run and record.status == "not-run":
        raise UsageError(f"{record.run_id} was not run, so there is no result to agree with", "choose another run")
    if to_run and record.status == "timeout":
        raise UsageError(
            f"{record.run_id} was ended by a time limit, which is no part of a cell: {record.reason}",
            "--print shows the command; add --time-limit",
        )
    base = None
    if record.cell.base:
        with suppress(RecordError):
            base = read_record(RunFiles(folder.parent / record.cell.base).record)
    return record, base


def fresh_folder(results: Path, run: str, wanted: Path | None) -> Path:
    """Where the second run goes: a results folder without any run.

    Raises:
        UsageError: The one that is wanted holds something.
    """
    if wanted is not None:
        if wanted.exists() and (not wanted.is_dir() or any(wanted.iterdir())):
            raise UsageError(f"{wanted} is not empty; nothing is overwritten", "name a new folder")
        return wanted
    beside = results / "reproduced"
    number, folder = 1, beside / run
    while folder.exists():
        number += 1
        folder = beside / f"{run}-{number}"
    return folder


def plan_again(
    request: Request, record: Record, base: Record | None, registry: Registry
) -> tuple[list[PlannedCell], list[str]]:
    """Plan a run again.

    Args:
        request: One of `request_of`.
        record: Of the run.
        base: Of the run that it builds on, if any.
        registry: Where methods, datasets and metrics are looked up.

    Returns:
        The cells of the request, and reasons why that of the record is not among them; none if it is.
    """
    try:
        plan = make_plan(request, registry, [one.cell for one in (base, record) if one])
    except FwibenchError as error:
        return [], [f"{error.message}{f' ({error.hint})' if error.hint else ''}"]
    planned = next((one for one in plan if one.cell.key == record.cell.key), None)
    if planned is not None:
        expected_skip = record.status == "skipped"
        return plan, [f"it cannot run here: {planned.skip}"] if planned.skip and not expected_skip else []
    return plan, list(_changed(record.cell, plan[-1].cell)) or ["the same request makes another cell here"]


def _changed(then: Cell, now: Cell) -> Iterator[str]:
    """What makes a cell another one than it was."""
    if (then.method, then.dataset) != (now.method, now.dataset):
        return
    if then.method_version != now.method_version:
        yield f"{then.method} was version {then.method_version}, here it is {now.method_version}"
    if then.fingerprint != now.fingerprint:
        yield (
            f"{then.dataset} has other samples here than then: fingerprint {now.fingerprint[:12]}, "
            f"it was {then.fingerprint[:12]}"
        )
    for name in dict.fromkeys([*then.options, *now.options]):
        old, new = then.options.get(name, "absent"), now.options.get(name, "absent")
        if old != new:
            yield f"option {name} of {then.method} was {old}, here it is {new}"
    if then.base != now.base:
        yield f"it was built on {then.base}, here it would be on {now.base}"
    for name in ("split", "seed", "test_samples", "plugin"):
        old, new = getattr(then, name), getattr(now, name)
        if old != new:
            yield f"{name.replace('_', ' ')} was {_shown(old)}, here it is {_shown(new)}"


@contextmanager
def same_threads(record: Record, base: Record | None = None) -> Iterator[None]:
    """Lets fits in the block take the threads that the record's fit took, unless the user fixed the number.

    Sums in another number of threads are rounded differently, and training enlarges such differences.

    Args:
        record: Of the run that is made again.
        base: Of the run that it builds on.
    """
    known = [one.costs.fit_threads or one.environment.get("threads") for one in (record, base) if one]
    threads = next((number for number in known if isinstance(number, int)), None)
    if threads is None or any(name in os.environ for name in (FIT_THREADS, "OMP_NUM_THREADS", "MKL_NUM_THREADS")):
        yield
        return
    os.environ[FIT_THREADS] = str(threads)
    try:
        yield
    finally:
        del os.environ[FIT_THREADS]


def compare_runs(first: Path, second: Path, registry: Registry, tolerance: float) -> Comparison:
    """Compares two runs of one cell.

    Args:
        first: Folder of the run.
        second: Of the one that was made after it.
        registry: Knows the metrics that both can have.
        tolerance: Relative difference of scores that is none.
    """
    one, two = read_record(RunFiles(first).record), read_record(RunFiles(second).record)
    known = [name for name in one.scores if name in registry.metrics]
    ours, theirs = (
        # a metric that came later is none of the first run's
        record.model_copy(update={"scores": {name: record.scores.get(name) for name in known}})
        for record in (one, two)
    )
    predictions, largest = _compare_predictions(first, second)
    return Comparison(
        comparable=bool(known) or one.status != "ok",
        scores=tuple(Change(one.run_id, name, ours.scores[name], theirs.scores[name]) for name in known),
        changes=(*find_changes(ours, theirs, tolerance), *_other_reason(one, two)),
        left_out=tuple(name for name in one.scores if name not in known),
        predictions=predictions,
        largest=largest,
        environment=tuple(_environment(one, two)),
    )


def _other_reason(first: Record, second: Record) -> Iterator[Change]:
    """Errors of two kinds; what stands behind the colon of a reason, as sizes and places, may differ."""
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


def _environment(first: Record, second: Record) -> Iterator[Change]:
    ours, theirs = (dict(_flat({"device": one.device, **one.environment})) for one in (first, second))
    for name in dict.fromkeys([*ours, *theirs]):
        if name != "command" and ours.get(name) != theirs.get(name):
            yield Change(first.run_id, name, *(_shown(side.get(name)) for side in (ours, theirs)))


def _flat(values: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{name} " if name == "git" else "")
        else:
            yield prefix + name, value


def _shown(value: Any) -> str:
    return "none" if value in (None, "") else str(value)
