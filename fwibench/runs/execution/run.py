"""Execution of a plan: each dataset is prepared before its first cell, each cell follows the ones that it needs.

Invariant: every planned cell ends with a record and a status, in the order of the plan, wherever the cells run. No cell
runs while data are prepared on this machine.
"""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, Protocol

from fwibench.errors import FwibenchError
from fwibench.files.locks import BusyError
from fwibench.plugins.isolation import describe, stdout_to_stderr
from fwibench.plugins.registry import Registry
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.record import Record, Status, write_record
from fwibench.runs.artefacts.results import Results
from fwibench.runs.execution.engines.engine import Engine, Pending
from fwibench.runs.machine.devices import may_use_gpu
from fwibench.runs.planning.plan import PlannedCell, metric_names
from fwibench.runs.planning.request import Request
from fwibench.runs.processes.messages import Job, needed_plugins, unsuccessful_record
from fwibench.specs.logger import CellReport, StartedCell

if TYPE_CHECKING:
    from fwibench.datasets.base import Dataset


MOST_NEWS = 100
"""Number of waiting calls of hooks from which on further reports are left out, so that a slow hook delays few cells."""


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

    def event(self, run: str, event: dict[str, Any]) -> None:
        """Handle an event of a running cell. Called from another thread.

        Args:
            run: Name of the run.
            event: The event, with the key `stage` or `report`.
        """

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


def run_plan(
    plan: list[PlannedCell], request: Request, registry: Registry, listener: Listener, engine: Engine
) -> Outcome:
    """Run the cells of a plan that are not cached.

    Ctrl-C stops the running cells, keeps finished cells and gives the others the status `not-run`.

    Args:
        plan: Cells in the order of execution; a cell follows the ones that it needs.
        request: Request of the plan.
        registry: Registry of methods, datasets and metrics.
        listener: Callbacks for the progress.
        engine: Where the cells run.

    Returns:
        The records of all cells.
    """
    Results(request.results).clean_up()
    runner = _Runner(plan, request, registry, listener, engine)
    start = time.monotonic()
    interrupted = runner.run()
    return Outcome([runner.records[number] for number in range(len(plan))], interrupted, time.monotonic() - start)


@dataclass
class _Runner:
    """Runner of a plan's cells.

    Attributes:
        plan: The cells, which are identified by their position.
        request: Request of the plan.
        registry: Registry of methods, datasets and metrics.
        listener: Callbacks for the progress.
        engine: Where the cells run.
        records: Records of the cells that are done.
        preparation_errors: Why a dataset could not be prepared, by fingerprint; empty for a prepared one.
        data_notes: What is doubtful about a dataset's files, by fingerprint.
    """

    plan: list[PlannedCell]
    request: Request
    registry: Registry
    listener: Listener
    engine: Engine
    records: dict[int, Record] = field(default_factory=dict)
    preparation_errors: dict[str, str] = field(default_factory=dict)
    data_notes: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._pending = deque(range(len(self.plan)))
        self._running: dict[int, Pending] = {}
        self._news: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._unfinished = {one.cell.run_id for one in self.plan if one.cached is None}
        self._blocked: defaultdict[str, list[int]] = defaultdict(list)
        self._begun: set[int] = set()
        self._told: set[int] = set()
        self._stages: dict[int, str] = {}
        self._reports_are_heard = self.registry.hears("fwibench_report")

    def run(self) -> bool:
        """Run the cells; return whether the user interrupted it."""
        try:
            while self._pending or self._running:
                self._start_cells()
                if self._running:
                    self._news.get()()
        except KeyboardInterrupt:
            self._interrupt()
            return True
        except BaseException:
            self.engine.cancel()
            raise
        return False

    def _start_cells(self) -> None:
        """Start the cells for which there is room, in the order of the plan."""
        later: list[int] = []
        while self._pending and self.engine.has_room():
            number = self._pending.popleft()
            planned = self.plan[number]
            if planned.cached is not None:
                self._finish(number, planned.cached)
            elif not planned.skip and self._must_wait(planned.dataset):
                later.append(number)
                break
            elif awaited := next((run for run in planned.cell.needed_runs if run in self._unfinished), ""):
                self._blocked[awaited].append(number)
            elif not self._start(number):
                later.append(number)
        self._pending.extendleft(reversed(later))
        self.engine.flush()

    def _must_wait(self, dataset: Dataset) -> bool:
        """Return whether a dataset has to be prepared, and other cells run, whose times would suffer."""
        known = dataset.fingerprint in self.preparation_errors
        return bool(self._running) and not known and self.engine.needs_samples(dataset)

    def _start(self, number: int) -> bool:
        """Start a cell, or find out that it cannot run; return False if there is no room for it now."""
        planned = self.plan[number]
        status, reason = self._obstacle(planned)
        if reason:
            record = self.make_record(planned, status, reason)
            self._finish(number, _write_unstarted(record, Results(self.request.results)))
            return True
        job = self._make_job(planned)
        if not self.engine.has_room(job):
            return False
        pending = self.engine.submit(job, planned.dataset, partial(self._hear, number))
        self._running[number] = pending
        pending.add_done_callback(lambda _: self._news.put(partial(self._collect, number)))
        return True

    def _obstacle(self, planned: PlannedCell) -> tuple[Status, str]:
        """Return the status of a cell that cannot start and why; the reason is empty if it can."""
        dataset = planned.dataset
        if planned.skip:
            return "skipped", planned.skip
        if dataset.fingerprint not in self.preparation_errors:
            self.preparation_errors[dataset.fingerprint] = self._prepare(dataset)
        if reason := self.preparation_errors[dataset.fingerprint]:
            return "failed", reason
        return "skipped", Results(self.request.results).missing_run_reason(planned.cell)

    def _prepare(self, dataset: Dataset) -> str:
        """Generate missing data; return why that failed, or an empty text."""
        try:
            with stdout_to_stderr():
                progress = partial(self.listener.preparing, dataset)
                self.data_notes[dataset.fingerprint] = self.engine.prepare(dataset, progress)
        except FwibenchError as error:
            return f"{dataset.spec.name} could not be prepared: {error.message} ({error.hint})"
        except (Exception, SystemExit) as error:
            return f"{dataset.spec.name} could not be prepared: {describe(error)}"
        return ""

    def _make_job(self, planned: PlannedCell) -> Job:
        request = self.request
        notes = [*planned.doubts(), *self.data_notes.get(planned.dataset.fingerprint, ())]
        job = Job(
            record=self._blank_record(planned).model_copy(update={"notes": notes}),
            device=request.device,
            metrics=metric_names(request.metrics, self.registry),
            limit=request.time_limit,
            memory_limit=request.memory_limit,
            devices=request.devices_per_cell,
            gpu=may_use_gpu(self.registry.method(planned.cell.method).spec, request.device),
        )
        return needed_plugins(self.registry, job)

    def _hear(self, number: int, event: dict[str, Any]) -> None:
        """Pass an event of a cell on; the first one tells that it begins, which may be long after it was submitted."""
        planned = self.plan[number]
        if number not in self._begun:
            self._begun.add(number)
            self.listener.started(planned, number + 1, len(self.plan))
            self._news.put(partial(self._tell_started, number))
        self.listener.event(planned.cell.run_id, event)
        if "stage" in event:
            self._stages[number] = event["stage"]
        elif self._reports_are_heard and self._news.qsize() < MOST_NEWS and (scalars := _scalars(event)):
            report = CellReport(planned.cell.run_id, self._stages.get(number, ""), scalars)
            self._news.put(partial(self.registry.tell, "fwibench_report", report=report))

    def _tell_started(self, number: int) -> None:
        """Tell the plugins once that a cell has started."""
        if number not in self._told:
            self._told.add(number)
            planned = self.plan[number]
            cell, results = planned.cell.model_dump(mode="json"), self.request.results.absolute()
            started = StartedCell(planned.cell.run_id, results, cell, planned.chosen)
            self.registry.tell("fwibench_cell_started", started=started)

    def _collect(self, number: int) -> None:
        """Take the record of a cell, which may still run; if that is interrupted, the cell stays among the running."""
        record = self._running[number].result()
        self._finish(number, record)
        del self._running[number]
        if record.status != "not-run":
            # a cell that failed on a cluster may have sent no event
            self._tell_started(number)
            told = record.model_dump(mode="json")
            self.registry.tell("fwibench_cell_finished", record=told, run=record.run_id)

    def _finish(self, number: int, record: Record) -> None:
        """Keep the record of a cell, and let those start that need it."""
        self.records[number] = record
        self._unfinished.discard(record.run_id)
        self._pending.extendleft(reversed(self._blocked.pop(record.run_id, ())))
        self.listener.finished(record, cached=self.plan[number].cached is not None)

    def _interrupt(self) -> None:
        """End the cells that run, and give a record to each that has none."""
        self.engine.cancel()
        for number in list(self._running):
            with suppress(KeyboardInterrupt):
                self._collect(number)
        for number, planned in enumerate(self.plan):
            if number not in self.records and number in self._begun:
                reason = "interrupted while it ran; the next run resumes it"
                self._finish(number, self.make_record(planned, "not-run", reason))
            elif number not in self.records:
                self.records[number] = self.make_record(planned, "not-run", "interrupted before it started")

    def _blank_record(self, planned: PlannedCell) -> Record:
        """Return the record of a cell with everything that is known before it runs."""
        offer = self.registry.method(planned.cell.method)
        return Record(
            cell=planned.cell,
            status="not-run",
            chosen=planned.chosen,
            kind=offer.spec.kind,
            track=planned.track,
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
        return unsuccessful_record(self._blank_record(planned), reason, status)


def _scalars(event: Mapping[str, Any]) -> dict[str, float]:
    """Return the numbers of a report; empty for other events, and for a report that only moves the progress bar."""
    report = event.get("report")
    if not isinstance(report, dict) or not report.keys() - {"step", "steps"}:
        return {}
    return {name: float(value) for name, value in report.items() if isinstance(value, int | float)}


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
