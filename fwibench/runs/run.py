"""Running a plan: data first, then cell after cell.

Invariant: every planned cell ends as a record with a status, in the order of the plan.
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, field
from typing import Any, Protocol

from fwibench.datasets.dataset import Dataset
from fwibench.errors import FwibenchError
from fwibench.plugins.registry import Registry
from fwibench.runs.environment import describe_environment
from fwibench.runs.executor import execute
from fwibench.runs.plan import PlannedCell, Request
from fwibench.runs.record import Record, Status, write_record
from fwibench.runs.results import RECORD, Results
from fwibench.runs.worker import Job


class Listener(Protocol):
    """Whoever shows the user what goes on."""

    def preparing(self, dataset: Dataset, done: int, total: int) -> None:
        """Samples of a dataset are made."""

    def started(self, planned: PlannedCell, number: int, total: int) -> None:
        """A cell starts; it is `number` of `total`."""

    def event(self, event: dict[str, Any]) -> None:
        """The running cell says something: `stage` or `report`. Called from another thread."""

    def finished(self, record: Record, *, cached: bool) -> None:
        """A cell has its record."""


@dataclass
class Outcome:
    """What came of a plan."""

    records: list[Record] = field(default_factory=list)
    interrupted: bool = False
    attempted: int = 0
    wall_s: float = 0.0

    @property
    def exit_code(self) -> int:
        """0 all ok; 1 some not; 3 nothing could run; 130 interrupted."""
        if self.interrupted:
            return 130
        if all(record.status == "ok" for record in self.records):
            return 0
        return 1 if self.attempted else 3


def run_plan(plan: list[PlannedCell], request: Request, registry: Registry, listener: Listener) -> Outcome:
    """Runs every cell that has no record yet.

    Ctrl-C stops the running cell, keeps what is finished and marks the rest `not-run`.
    """
    results = Results(request.results)
    outcome = Outcome()
    start = time.monotonic()
    broken: dict[str, str] = {}
    for number, planned in enumerate(plan, 1):
        blank = _blank(planned, registry)
        if outcome.interrupted:
            outcome.records.append(_ended(blank, "not-run", "interrupted before it started"))
            continue
        if planned.cached is not None:
            record, cached = planned.cached, True
            outcome.attempted += 1
        else:
            cached = False
            try:
                listener.started(planned, number, len(plan))
                record = _run_one(planned, blank, request, registry, listener, results, broken)
                outcome.attempted += bool(record.wall_s)
            except KeyboardInterrupt:
                outcome.interrupted = True
                record = _ended(blank, "not-run", "interrupted while it ran; the next run goes on from there")
        outcome.records.append(record)
        listener.finished(record, cached=cached)
        if not cached and record.status != "not-run":
            registry.tell_finished(record.model_dump(mode="json"))
    outcome.wall_s = time.monotonic() - start
    return outcome


def _run_one(
    planned: PlannedCell,
    blank: Record,
    request: Request,
    registry: Registry,
    listener: Listener,
    results: Results,
    broken: dict[str, str],
) -> Record:
    dataset = planned.dataset
    if planned.skip:
        return _left(_ended(blank, "skipped", planned.skip), results)
    if dataset.fingerprint not in broken:
        broken[dataset.fingerprint] = _prepare(dataset, listener)
    if broken[dataset.fingerprint]:
        return _left(_ended(blank, "failed", broken[dataset.fingerprint]), results)

    job = Job(
        record=blank,
        device=request.device,
        metrics=metric_names(request, registry),
        limit=request.time_limit,
    )
    return execute(job, results, listener.event, force=request.force)


def metric_names(request: Request, registry: Registry) -> list[str]:
    """The default metrics and those that were asked for."""
    default = [name for name, offer in registry.metrics.items() if offer.spec.default]
    return list(dict.fromkeys([*default, *request.metrics]))


def _prepare(dataset: Dataset, listener: Listener) -> str:
    """Makes what is missing; the reason why it could not, or nothing."""
    if dataset.prepared():
        return ""
    try:
        dataset.prepare(lambda done, total: listener.preparing(dataset, done, total))
    except FwibenchError as error:
        return f"{dataset.spec.name} could not be prepared: {error.message} ({error.hint})"
    except Exception as error:
        return f"{dataset.spec.name} could not be prepared: {type(error).__name__}: {error}"
    return ""


def _blank(planned: PlannedCell, registry: Registry) -> Record:
    cell = planned.cell
    offer = registry.method(cell.method)
    return Record(
        cell=cell,
        status="not-run",
        chosen=planned.chosen,
        kind=offer.spec.kind,
        track=offer.spec.track,
        plugin=offer.plugin.distribution,
        source=planned.dataset.spec.source,
        unit=planned.dataset.problem.property.unit,
        environment={"command": ["fwibench", *sys.argv[1:]]},
        started=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
    )


def _ended(blank: Record, status: Status, reason: str) -> Record:
    environment = {**describe_environment(), **blank.environment}
    return blank.model_copy(update={"status": status, "reason": reason, "environment": environment})


def _left(record: Record, results: Results) -> Record:
    """Writes the record of a cell that was not started, unless a better one is there."""
    if results.finished(record.cell) is None:
        write_record(record, results.folder(record.cell) / RECORD)
    return record
