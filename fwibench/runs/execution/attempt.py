"""Running one cell in separate processes, and publishing its result.

Invariant: a crash, a hang, lack of memory or a full disk does not affect other cells. When `execute` returns, no
process of the cell is left, and its folder holds a complete result or a record with the reason why there is none. An
earlier result is kept until the new one replaces it atomically.
"""

from __future__ import annotations

import itertools
import os
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fwibench.errors import DataError, FwibenchError, RecordError
from fwibench.files.atomic import is_full
from fwibench.files.locks import BusyError
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.model_files import model_sha256
from fwibench.runs.artefacts.record import Record, Status, read_record, write_record
from fwibench.runs.artefacts.replacement import beside, clean_up, publishing, remove
from fwibench.runs.artefacts.results import Results
from fwibench.runs.execution.company import Seat
from fwibench.runs.execution.imports import SCORING, late_imports, method_imports
from fwibench.runs.opening.truth import DataState, data_state, find_changed_files
from fwibench.runs.processes.launch import Launch, ProcessEnd, end_processes, run_process
from fwibench.runs.processes.messages import (
    Diagnosed,
    EventHandler,
    Job,
    Measured,
    Scored,
    complete_record,
    read_message,
    unsuccessful_record,
    write_message,
)
from fwibench.runs.processes.warm import Imports, known_imports

if TYPE_CHECKING:
    from fwibench.datasets.base import Dataset

LOCK_TRIAL_S = 0.2
"""Time between two looks at whether a cell that waits for another command was cancelled [s]."""
RESUMABLE = ("timeout", "oom")
"""Statuses after which checkpoints are kept for the next attempt."""
LEAST_SCORING_S = 60.0
"""Smallest time limit of scoring, if the method has used up most of the cell's time limit [s]."""


def execute(job: Job, results: Results, dataset: Dataset, seat: Seat, *, force: bool) -> Record:
    """Run one cell.

    Args:
        job: Cell, as a blank record, and how to run it.
        results: Results folder.
        dataset: Dataset that the cell is scored on, prepared.
        seat: Its place among the cells that run at the same time.
        force: Whether to run a finished cell again, and to discard checkpoints of an interrupted attempt.

    Returns:
        The record of the cell, with any status.

    Raises:
        KeyboardInterrupt: The cell was cancelled; the next run resumes it.
    """
    run = job.record.cell.run_id
    start = time.monotonic()
    try:
        with _locked(results, run, seat):
            return _execute(job, results, dataset, seat, start, force=force)
    except (FwibenchError, OSError) as error:
        return _updated(unsuccessful_record(job.record, _describe_error(error)), wall_s=time.monotonic() - start)


@contextmanager
def _locked(results: Results, run: str, seat: Seat) -> Iterator[None]:
    """Hold the lock of a run during the block, however long another command holds it."""
    with ExitStack() as stack:
        for turn in itertools.count():
            if seat.control.cancelled:
                raise KeyboardInterrupt
            try:
                stack.enter_context(results.locked(run, LOCK_TRIAL_S))
                break
            except BusyError:
                if not turn:
                    seat.on_event({"stage": "waiting for another command that works on it"})
        yield


def _execute(job: Job, results: Results, dataset: Dataset, seat: Seat, start: float, *, force: bool) -> Record:
    cell = job.record.cell
    if not force and (finished := results.finished(cell)):
        return finished
    folder = results.folder(cell).absolute()
    attempt = _Attempt(job, folder, seat, _EventFilter(seat.hear))
    try:
        attempt.set_up(force=force)
        record = attempt.run(dataset)
    except (FwibenchError, OSError) as error:
        record = unsuccessful_record(job.record, _describe_error(error))
    except BaseException:
        # interrupted: checkpoints are kept for the next run
        remove(attempt.attempt)
        raise
    record = _updated(record, wall_s=time.monotonic() - start, beside=seat.beside)
    return attempt.finish(record, has_result=results.finished(cell) is not None)


@dataclass
class _EventFilter:
    """Event handler that stores the events that are for the attempt, and forwards others.

    Attributes:
        on_event: Receives the other events.
        ended: Final event of a process that could not write its message.
        late: Modules that the method's process has imported in addition to those of all such processes.
    """

    on_event: EventHandler
    ended: dict[str, Any] = field(default_factory=dict)
    late: tuple[str, ...] = ()

    def __call__(self, event: dict[str, Any]) -> None:
        if isinstance(event, dict) and isinstance(event.get("ended"), dict):
            self.ended = event["ended"]
        elif isinstance(event, dict) and isinstance(event.get("imported"), list):
            self.late = late_imports(event["imported"])
        else:
            self.on_event(event)


@dataclass
class _Attempt:
    """One attempt at a cell, whose lock is held.

    Attributes:
        job: Cell and how to run it.
        folder: Folder of the cell.
        seat: Its place among the cells that run at the same time.
        events: Handler of the processes' events.
        killed: Whether the method's process was killed by SIGKILL, as by the out-of-memory killer.
    """

    job: Job
    folder: Path
    seat: Seat
    events: _EventFilter
    killed: bool = False

    @property
    def attempt(self) -> Path:
        """Folder in which the processes write."""
        return beside(self.folder, "attempt")

    @property
    def workdir(self) -> Path:
        """Working folder of the method, kept if the next attempt can resume from its checkpoints."""
        return RunFiles(self.folder).work

    def set_up(self, *, force: bool) -> None:
        """Remove the leftovers of an earlier attempt except checkpoints, and create the folders of this one."""
        end_processes(str(self.folder))
        clean_up(self.folder, finished=False)
        if force:
            remove(self.workdir)
        if self.folder.is_symlink():
            remove(self.folder)
        self.workdir.mkdir(parents=True, exist_ok=True)
        self.attempt.mkdir()
        write_message(self.job, RunFiles(self.attempt).job)

    def run(self, dataset: Dataset) -> Record:
        """Run the method, then score its predictions."""
        before = data_state(dataset)
        start = time.monotonic()
        applied = self._check_applied_model()
        record, diagnoses = self._run_method()
        if record.status != "ok":
            return record
        record = _updated(record, model_sha256=applied or model_sha256(RunFiles(self.attempt).model))
        if changed := find_changed_files(before, dataset):
            names = ", ".join(path.name for path in changed[:3])
            return record.model_copy(
                update={"status": "failed", "reason": f"files of {dataset.spec.name} were changed meanwhile: {names}"}
            )
        spent = time.monotonic() - start
        limit = self.job.limit
        left = None if limit is None else max(limit - spent, LEAST_SCORING_S)
        self.events({"stage": "score"})
        record = self._score(record, left)
        if record.status == "ok" and diagnoses:
            record = self._diagnose(record, left, before, dataset)
        return record

    def _check_applied_model(self) -> str:
        """Return the hash of the model that a transferred cell applies; empty for other cells.

        Raises:
            DataError: Its files are not those of the run that fitted it.
        """
        if not (run := self.job.record.cell.model):
            return ""
        files = RunFiles(self.folder.parent / run)
        found, known = model_sha256(files.model), read_record(files.record).model_sha256
        # records of earlier versions lack it
        if known not in ("", found):
            raise DataError(f"the files of the model of {run} have changed since it was fitted", "run it with --force")
        return found

    def _run_method(self) -> tuple[Record, bool]:
        known, name = known_imports(), self.job.record.cell.method
        program = ("fwibench.runs.execution.worker", str(self.attempt), str(self.workdir))
        end = self._process(program, method_imports(known.get(name, ())), self.job.limit)
        known[name] = self.events.late
        self.killed = end.code == -signal.SIGKILL
        try:
            draft = read_message(Measured, RunFiles(self.attempt).draft)
        except RecordError as error:
            return unsuccessful_record(self.job.record, error.message), False
        # a complete message is valid even if its process crashed afterwards
        if draft is not None:
            return complete_record(self.job.record, draft), draft.diagnoses
        status, reason = self._explain_end(end, self.job.limit)
        return unsuccessful_record(self.job.record, reason, status), False

    def _score(self, record: Record, limit: float | None) -> Record:
        """Add the scores, computed by a process that loads no code of the method."""
        remove(RunFiles(self.attempt).scored)
        end = self._process(("fwibench.runs.scoring.worker", "score", str(self.attempt)), SCORING, limit)
        scored = read_message(Scored, RunFiles(self.attempt).scored)
        if scored is None:
            status, reason = self._explain_end(end, limit)
            return record.model_copy(update={"status": status, "reason": f"scoring: {reason}"})
        environment = {
            **record.environment,
            "plugins": {**scored.plugins, **record.environment.get("plugins", {})},
        }
        return record.model_copy(
            update={
                "status": scored.status,
                "reason": scored.reason,
                "n_test": scored.n_test or record.n_test,
                "scores": scored.scores,
                "notes": [*record.notes, *scored.notes],
                "environment": environment,
            }
        )

    def _diagnose(self, record: Record, limit: float | None, before: DataState, dataset: Dataset) -> Record:
        """Add the method's diagnostics, which need the truth; they must not change results or data."""
        files = RunFiles(self.attempt)
        results = files.predictions, files.samples, files.scores
        states = [_identity(path) for path in results]
        remove(RunFiles(self.attempt).diagnosed)
        program = ("fwibench.runs.scoring.worker", "diagnose", str(self.attempt))
        end = self._process(program, method_imports(self.events.late), limit)
        found = read_message(Diagnosed, RunFiles(self.attempt).diagnosed)
        found = found or Diagnosed(fault=self._explain_end(end, limit)[1])
        if [_identity(path) for path in results] != states:
            reason = "the method's diagnostics changed its predictions or scores"
            return record.model_copy(update={"status": "failed", "reason": reason})
        if changed := find_changed_files(before, dataset):
            reason = f"the method's diagnostics changed {changed[0].name} of {dataset.spec.name}"
            return record.model_copy(update={"status": "failed", "reason": reason})
        notes = [f"diagnostics could not be computed: {found.fault}"] if found.fault else []
        return record.model_copy(
            update={"diagnostics": {**record.diagnostics, **found.figures}, "notes": [*record.notes, *notes]}
        )

    def _process(self, program: tuple[str, ...], imports: Imports, limit: float | None) -> ProcessEnd:
        """Run a process of the cell.

        Args:
            program: Module and arguments.
            imports: Modules that it may find imported.
            limit: Time limit [s].
        """
        self.events.ended = {}
        module, *arguments = program
        log, variables = RunFiles(self.attempt).log, self.seat.variables
        launch = Launch(module, tuple(arguments), self.folder, log, limit, variables, imports)
        end = run_process(launch, self.events, self.seat.control)
        if self.seat.control.cancelled:
            raise KeyboardInterrupt
        return end

    def _explain_end(self, end: ProcessEnd, limit: float | None) -> tuple[Status, str]:
        """Return status and reason of a process that wrote no message."""
        if end.code is None:
            return "timeout", f"killed at its time limit of {limit:g} s"
        if self.events.ended:
            return "failed", str(self.events.ended.get("reason", ""))
        if end.code == -signal.SIGKILL and end.out_of_memory:
            return "oom", "the system killed the process because memory ran out"
        if end.code == -signal.SIGKILL:
            return "failed", "the process was killed by SIGKILL, as the system does when memory runs out"
        if end.code < 0:
            return "failed", f"the process was killed by {signal.Signals(-end.code).name}"
        return "failed", f"the process exited with code {end.code} before the cell was done"

    def finish(self, record: Record, *, has_result: bool) -> Record:
        """Publish the result or the failure of the attempt.

        Args:
            record: Record of the attempt.
            has_result: Whether the cell has an earlier result, which only a new result replaces.

        Returns:
            The record, with a failure to publish.
        """
        if record.status == "ok":
            try:
                self._publish(record)
                return record
            except (FwibenchError, OSError) as error:
                record = _updated(record, status="failed", reason=_describe_error(error), scores={})
        if has_result or not (record.status in RESUMABLE or self.killed):
            remove(self.workdir)
        for kind in ("new", "partial"):
            remove(beside(self.folder, kind))
        try:
            if has_result:
                log = RunFiles(self.folder).failed_log
                os.replace(RunFiles(self.attempt).log, log)
                record = _append_reason(record, f"the earlier result is kept; see {log.name}")
            else:
                self._publish_failure(record)
        except (FwibenchError, OSError) as error:
            record = _append_reason(record, "the earlier result is kept" if has_result else _describe_error(error))
        remove(self.attempt)
        return record

    def _publish(self, record: Record) -> None:
        """Assemble the complete new folder next to the old one, then replace it."""
        files = RunFiles(self.attempt)
        with publishing(self.folder) as new:
            for path in (*files.products, files.log):
                if os.path.lexists(path):
                    os.replace(path, new / path.name)
            write_record(record, RunFiles(new).record)
        remove(self.attempt)

    def _publish_failure(self, record: Record) -> None:
        """Write the record into the folder, which keeps its checkpoints; results without a valid record are removed."""
        files = RunFiles(self.folder)
        for path in (files.record, *files.products, files.log, files.failed_log):
            remove(path)
        if RunFiles(self.attempt).log.exists():
            os.replace(RunFiles(self.attempt).log, RunFiles(self.folder).log)
        # before the record is written: the disk may be full
        shutil.rmtree(self.attempt, ignore_errors=True)
        write_record(record, RunFiles(self.folder).record)


def _updated(record: Record, **values: Any) -> Record:
    return record.model_copy(update=values)


def _append_reason(record: Record, more: str) -> Record:
    return _updated(record, reason=f"{record.reason}; {more}")


def _describe_error(error: BaseException) -> str:
    if isinstance(error, FwibenchError):
        return f"{error.message}; {error.hint}" if is_full(error.__cause__ or error) else error.message
    return f"{getattr(error, 'filename', None) or 'a file'} cannot be used: {getattr(error, 'strerror', None) or error}"


def _identity(path: Path) -> tuple[int, int, int, int] | None:
    """Return what changes when a file is written; None if there is no file."""
    if not os.path.lexists(path):
        return None
    state = os.stat(path)
    return state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino
