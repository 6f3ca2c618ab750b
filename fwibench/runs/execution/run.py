"""Running a plan: data first, then cell after cell.

Invariant: every planned cell ends as a record with a status, in the order of the plan.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from fwibench.errors import FwibenchError
from fwibench.files.locks import BusyError
from fwibench.plugins.isolation import describe, stdout_to_stderr
from fwibench.plugins.registry import Registry
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.record import Record, Status, write_record
from fwibench.runs.artefacts.results import Results
from fwibench.runs.execution.attempt import execute
from fwibench.runs.machine.environment import describe_environment
from fwibench.runs.planning.plan import PlannedCell
from fwibench.runs.planning.request import Request
from fwibench.runs.processes.messages import Job, needed_plugins

if TYPE_CHECKING:
    from fwibench.datasets.base import Dataset


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
    wall_s: float = 0.0

    @property
    def exit_code(self) -> int:
        """0 all ok; 1 some not; 3 nothing could run; 130 interrupted."""
        if self.interrupted:
            return 130
        if all(record.status == "ok" for record in self.records):
            return 0
        return 1 if any(record.wall_s for record in self.records) else 3


def run_plan(plan: list[PlannedCell], request: Request, registry: Registry, listener: Listener) -> Outcome:
    """Runs every cell that has no record yet.

    Ctrl-C stops the running cell, keeps what is finished and marks the rest `not-run`.
    """
    Results(request.results).tidy()
    runner = _Runner(request, registry, listener)
    outcome = Outcome()
    start = time.monotonic()
    for number, planned in enumerate(plan, 1):
        if outcome.interrupted:
            outcome.records.append(runner.ended(planned, "not-run", "interrupted before it started"))
            continue
        try:
            if planned.cached is None:
                listener.started(planned, number, len(plan))
            record = planned.cached or runner.run(planned)
        except KeyboardInterrupt:
            outcome.interrupted = True
            record = runner.ended(planned, "not-run", "interrupted while it ran; the next run goes on from there")
        outcome.records.append(record)
        listener.finished(record, cached=planned.cached is not None)
        if planned.cached is None and record.status != "not-run":
            registry.tell_finished(record.model_dump(mode="json"))
    outcome.wall_s = time.monotonic() - start
    return outcome


@dataclass
class _Runner:
    """What the cells of one command share.

    Attributes:
        unprepared: Why a dataset could not be made, by fingerprint; empty for one that is there.
        doubts: What looks wrong with its files, by fingerprint.
    """

    request: Request
    registry: Registry
    listener: Listener
    unprepared: dict[str, str] = field(default_factory=dict)
    doubts: dict[str, list[str]] = field(default_factory=dict)

    def run(self, planned: PlannedCell) -> Record:
        """Prepares the dataset and executes the cell; whatever prevents that becomes its record."""
        dataset, request = planned.dataset, self.request
        results = Results(request.results)
        if planned.skip:
            return _left(self.ended(planned, "skipped", planned.skip), results)
        if dataset.fingerprint not in self.unprepared:
            self.unprepared[dataset.fingerprint] = self._prepare(dataset)
        if reason := self.unprepared[dataset.fingerprint]:
            return _left(self.ended(planned, "failed", reason), results)
        if reason := results.lacking(planned.cell.base):
            return _left(self.ended(planned, "skipped", reason), results)
        metrics = metric_names(request.metrics, self.registry)
        record = self.blank(planned).model_copy(update={"notes": list(self.doubts.get(dataset.fingerprint, ()))})
        job = Job(record=record, device=request.device, metrics=metrics, limit=request.time_limit)
        job = needed_plugins(self.registry, job)
        return execute(job, results, dataset, self.listener.event, force=request.force)

    def _prepare(self, dataset: Dataset) -> str:
        """Makes what is missing; the reason why it could not, or nothing."""
        try:
            with stdout_to_stderr():
                if not dataset.prepared():
                    dataset.prepare(lambda done, total: self.listener.preparing(dataset, done, total))
                dataset.check()
                self.doubts[dataset.fingerprint] = dataset.doubts()
        except FwibenchError as error:
            return f"{dataset.spec.name} could not be prepared: {error.message} ({error.hint})"
        except (Exception, SystemExit) as error:
            return f"{dataset.spec.name} could not be prepared: {describe(error)}"
        return ""

    def blank(self, planned: PlannedCell) -> Record:
        """The record as far as it is known before the cell runs."""
        offer = self.registry.method(planned.cell.method)
        return Record(
            cell=planned.cell,
            status="not-run",
            chosen=planned.chosen,
            kind=offer.spec.kind,
            track=offer.spec.track,
            plugin=offer.plugin.distribution,
            source=planned.dataset.source,
            unit=planned.dataset.problem.property.unit,
            environment={"command": list(command)} if (command := self.request.command) else {},
            started=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        )

    def ended(self, planned: PlannedCell, status: Status, reason: str) -> Record:
        """The record of a cell that did not run."""
        blank = self.blank(planned)
        environment = {**describe_environment(), **blank.environment}
        return blank.model_copy(update={"status": status, "reason": reason, "environment": environment})


def metric_names(asked: Iterable[str], registry: Registry) -> list[str]:
    """Return the default metrics and those that were asked for."""
    default = [name for name, offer in registry.metrics.items() if offer.spec.default]
    return list(dict.fromkeys([*default, *asked]))


def _left(record: Record, results: Results) -> Record:
    """Write the record of a cell that was not started, unless a better one is there or another command works on it."""
    try:
        with results.locked(record.run_id, 0):
            if results.finished(record.cell) is None:
                write_record(record, RunFiles(results.folder(record.cell)).record)
    except BusyError:
        return record.model_copy(update={"reason": f"{record.reason}; another command works on this cell"})
    except (FwibenchError, OSError) as error:
        reason = f"{record.reason}; its record could not be written: {describe(error)}"
        return record.model_copy(update={"reason": reason})
    return record
