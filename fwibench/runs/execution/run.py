"""Execution of a plan, cell after cell; each dataset is prepared before its first cell.

Invariant: every planned cell ends with a record and a status, in the order of the plan.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from fwibench.errors import FwibenchError
from fwibench.files.locks import BusyError
from fwibench.plugins.isolation import describe, stdout_to_stderr
from fwibench.plugins.registry import Registry
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.record import Record, Status, write_record
from fwibench.runs.artefacts.results import Results
from fwibench.runs.execution.attempt import execute
from fwibench.runs.execution.imports import METHOD, SCORING
from fwibench.runs.machine.environment import describe_environment
from fwibench.runs.opening.datasets import ensure_samples
from fwibench.runs.planning.plan import PlannedCell
from fwibench.runs.planning.request import Request
from fwibench.runs.processes.messages import Job, needed_plugins
from fwibench.runs.processes.warm import warm_processes

if TYPE_CHECKING:
    from fwibench.datasets.base import Dataset


class Listener(Protocol):
    """Callbacks for the progress of a plan."""

    def preparing(self, dataset: Dataset, done: int, total: int) -> None:
        """Handle progress of a dataset's preparation.

        Args:
            dataset: Dataset that is prepared.
            done: Number of generated samples.
            total: Number of samples to generate.
        """

    def started(self, planned: PlannedCell, number: int, total: int) -> None:
        """Handle the start of a cell.

        Args:
            planned: The cell.
            number: Position of the cell in the plan, from 1.
            total: Number of cells in the plan.
        """

    def event(self, event: dict[str, Any]) -> None:
        """Handle an event of the running cell, with the key `stage` or `report`. Called from another thread."""

    def finished(self, record: Record, *, cached: bool) -> None:
        """Handle the record of a cell that has ended or was cached."""


@dataclass
class Outcome:
    """Records of a plan's cells.

    Attributes:
        records: Record of each cell, in the order of the plan.
        interrupted: Whether the user interrupted the plan.
        wall_s: Duration [s].
    """

    records: list[Record] = field(default_factory=list)
    interrupted: bool = False
    wall_s: float = 0.0

    @property
    def exit_code(self) -> int:
        """0: all cells are `ok`; 1: some are not; 3: no cell could run; 130: interrupted."""
        if self.interrupted:
            return 130
        if all(record.status == "ok" for record in self.records):
            return 0
        return 1 if any(record.wall_s for record in self.records) else 3


@warm_processes(METHOD, SCORING)
def run_plan(plan: list[PlannedCell], request: Request, registry: Registry, listener: Listener) -> Outcome:
    """Run the cells of a plan that are not cached.

    Ctrl-C stops the running cell, keeps finished cells and gives the others the status `not-run`.

    Args:
        plan: Cells in the order of execution.
        request: Request of the plan.
        registry: Registry of methods, datasets and metrics.
        listener: Callbacks for the progress.

    Returns:
        The records of all cells.
    """
    Results(request.results).clean_up()
    runner = _Runner(request, registry, listener)
    outcome = Outcome()
    start = time.monotonic()
    for number, planned in enumerate(plan, 1):
        if outcome.interrupted:
            outcome.records.append(runner.make_record(planned, "not-run", "interrupted before it started"))
            continue
        try:
            if planned.cached is None:
                listener.started(planned, number, len(plan))
            record = planned.cached or runner.run(planned)
        except KeyboardInterrupt:
            outcome.interrupted = True
            record = runner.make_record(planned, "not-run", "interrupted while it ran; the next run resumes it")
        outcome.records.append(record)
        listener.finished(record, cached=planned.cached is not None)
        if planned.cached is None and record.status != "not-run":
            registry.tell_finished(record.model_dump(mode="json"))
    outcome.wall_s = time.monotonic() - start
    return outcome


@dataclass
class _Runner:
    """Runner of a request's cells.

    Attributes:
        request: Request of the plan.
        registry: Registry of methods, datasets and metrics.
        listener: Callbacks for the progress.
        preparation_errors: Why a dataset could not be prepared, by fingerprint; empty for a prepared one.
        data_notes: What is doubtful about a dataset's files, by fingerprint.
    """

    request: Request
    registry: Registry
    listener: Listener
    preparation_errors: dict[str, str] = field(default_factory=dict)
    data_notes: dict[str, list[str]] = field(default_factory=dict)

    def run(self, planned: PlannedCell) -> Record:
        """Prepare the dataset and execute the cell; return its record, also if the cell could not start."""
        dataset, request = planned.dataset, self.request
        results = Results(request.results)
        if planned.skip:
            return _write_unstarted(self.make_record(planned, "skipped", planned.skip), results)
        if dataset.fingerprint not in self.preparation_errors:
            self.preparation_errors[dataset.fingerprint] = self._prepare(dataset)
        if reason := self.preparation_errors[dataset.fingerprint]:
            return _write_unstarted(self.make_record(planned, "failed", reason), results)
        if reason := results.missing_base_reason(planned.cell.base):
            return _write_unstarted(self.make_record(planned, "skipped", reason), results)
        metrics = metric_names(request.metrics, self.registry)
        notes = list(self.data_notes.get(dataset.fingerprint, ()))
        record = self._blank_record(planned).model_copy(update={"notes": notes})
        job = Job(record=record, device=request.device, metrics=metrics, limit=request.time_limit)
        job = needed_plugins(self.registry, job)
        return execute(job, results, dataset, self.listener.event, force=request.force)

    def _prepare(self, dataset: Dataset) -> str:
        """Generate missing data; return why that failed, or an empty text."""
        try:
            with stdout_to_stderr():
                ensure_samples(dataset, partial(self.listener.preparing, dataset))
                self.data_notes[dataset.fingerprint] = dataset.doubts()
        except FwibenchError as error:
            return f"{dataset.spec.name} could not be prepared: {error.message} ({error.hint})"
        except (Exception, SystemExit) as error:
            return f"{dataset.spec.name} could not be prepared: {describe(error)}"
        return ""

    def _blank_record(self, planned: PlannedCell) -> Record:
        """Return the record of a cell with everything that is known before it runs."""
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

    def make_record(self, planned: PlannedCell, status: Status, reason: str) -> Record:
        """Return the record of a cell that did not run.

        Args:
            planned: The cell.
            status: Status of the record.
            reason: Why the cell did not run.
        """
        blank = self._blank_record(planned)
        environment = {**describe_environment(), **blank.environment}
        return blank.model_copy(update={"status": status, "reason": reason, "environment": environment})


def metric_names(asked: Iterable[str], registry: Registry) -> list[str]:
    """Return the names of the default metrics and of the requested ones."""
    default = [name for name, offer in registry.metrics.items() if offer.spec.default]
    return list(dict.fromkeys([*default, *asked]))


def _write_unstarted(record: Record, results: Results) -> Record:
    """Write the record of a cell that did not start, unless it has a result or another command works on it."""
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
