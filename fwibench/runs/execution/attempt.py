"""Running one cell in processes of its own, and publishing how it ended.

Invariant: a crash, a hang, a full memory or a full disk costs one cell. When `execute` returns, no process of the cell
is left, and its folder holds a complete result or a record that says why there is none. An earlier result stays until
the new one takes its place in a single step.
"""

from __future__ import annotations

import os
import shutil
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fwibench.errors import FwibenchError, RecordError
from fwibench.files.atomic import is_full
from fwibench.files.locks import BusyError
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.record import Record, Status, write_record
from fwibench.runs.artefacts.replacing import beside, remove, replace_folder, sync_files, tidy
from fwibench.runs.artefacts.results import Results
from fwibench.runs.machine.environment import describe_environment
from fwibench.runs.opening.truth import DataState, find_changed, state_of
from fwibench.runs.processes.messages import (
    Diagnosed,
    Job,
    Measured,
    Scored,
    combine,
    find,
    leave,
)
from fwibench.runs.processes.start import End, Tell, end_processes, run_process

if TYPE_CHECKING:
    from fwibench.datasets.base import Dataset

KEPT_FOR_RESUME = ("timeout", "oom")
LEAST_SCORING_S = 60.0
"""Scoring may take so long at least, however little of the time limit the method has left."""


def execute(job: Job, results: Results, dataset: Dataset, tell: Tell, *, force: bool) -> Record:
    """Run one cell to its end.

    Args:
        job: The cell, as a blank record, and how to run it.
        results: Where the cell's folder lies.
        dataset: The cell's dataset, prepared.
        tell: Receives the processes' events, from another thread.
        force: Run it even if it is finished, and forget what an earlier, interrupted attempt left behind.
    """
    run = job.record.cell.run_id
    start = time.monotonic()
    try:
        try:
            with results.locked(run, 0.2):
                return _execute(job, results, dataset, tell, start, force=force)
        except BusyError:
            tell({"stage": "waiting for another command that works on it"})
        with results.locked(run):
            return _execute(job, results, dataset, tell, start, force=force)
    except (FwibenchError, OSError) as error:
        return _having(_failed(job, _reason(error)), wall_s=time.monotonic() - start)


def _execute(job: Job, results: Results, dataset: Dataset, tell: Tell, start: float, *, force: bool) -> Record:
    cell = job.record.cell
    if not force and (finished := results.finished(cell)):
        return finished
    folder = results.folder(cell).absolute()
    attempt = _Attempt(job, folder, _Ears(tell))
    try:
        attempt.set_up(force=force)
        record = attempt.run(dataset)
    except (FwibenchError, OSError) as error:
        record = _failed(job, _reason(error))
    except BaseException:
        # interrupted: checkpoints stay for the next run
        remove(attempt.attempt)
        raise
    record = _having(record, wall_s=time.monotonic() - start)
    return attempt.conclude(record, kept=results.finished(cell) is not None)


@dataclass
class _Ears:
    """Passes events on, and keeps what a process that cannot write files says of its end."""

    tell: Tell
    ended: dict[str, Any] = field(default_factory=dict)

    def __call__(self, event: dict[str, Any]) -> None:
        if isinstance(event, dict) and isinstance(event.get("ended"), dict):
            self.ended = event["ended"]
        else:
            self.tell(event)


@dataclass
class _Attempt:
    """One attempt at a cell, whose lock is held.

    Attributes:
        job: The cell.
        folder: Of the cell.
        ears: Receives events.
        killed: Whether the method's process was killed, which happens where memory runs out.
    """

    job: Job
    folder: Path
    ears: _Ears
    killed: bool = False

    @property
    def attempt(self) -> Path:
        """Where the processes write."""
        return beside(self.folder, "attempt")

    @property
    def workdir(self) -> Path:
        """The method's own folder, kept where the next attempt can go on from it."""
        return RunFiles(self.folder).work

    def set_up(self, *, force: bool) -> None:
        """Remove what an earlier attempt left, but for checkpoints, and make the folders of this one."""
        end_processes(str(self.folder))
        tidy(self.folder, finished=False)
        if force:
            remove(self.workdir)
        if self.folder.is_symlink():
            remove(self.folder)
        self.workdir.mkdir(parents=True, exist_ok=True)
        self.attempt.mkdir()
        leave(self.job, RunFiles(self.attempt).job)

    def run(self, dataset: Dataset) -> Record:
        """Run the method, then score what it predicted."""
        before = state_of(dataset)
        start = time.monotonic()
        record, diagnoses = self._run_method()
        if record.status != "ok":
            return record
        if changed := find_changed(before, dataset):
            names = ", ".join(path.name for path in changed[:3])
            return record.model_copy(
                update={"status": "failed", "reason": f"files of {dataset.spec.name} were changed meanwhile: {names}"}
            )
        spent = time.monotonic() - start
        limit = self.job.limit
        left = None if limit is None else max(limit - spent, LEAST_SCORING_S)
        self.ears({"stage": "score"})
        record = self._score(record, left)
        if record.status == "ok" and diagnoses:
            record = self._diagnose(record, left, before, dataset)
        return record

    def _run_method(self) -> tuple[Record, bool]:
        end = self._process("fwibench.runs.execution.worker", [str(self.attempt), str(self.workdir)], self.job.limit)
        self.killed = end.code == -signal.SIGKILL
        try:
            draft = find(Measured, RunFiles(self.attempt).draft)
        except RecordError as error:
            return _failed(self.job, error.message), False
        # a finished draft counts, however its process ended afterwards
        if draft is not None:
            return combine(self.job.record, draft), draft.diagnoses
        status, reason = self._why(end, self.job.limit)
        return _failed(self.job, reason, status), False

    def _score(self, record: Record, limit: float | None) -> Record:
        """Fill in the scores, by a process that loads no code of the method."""
        remove(RunFiles(self.attempt).scored)
        end = self._process("fwibench.runs.scoring.process", ["score", str(self.attempt)], limit)
        scored = find(Scored, RunFiles(self.attempt).scored)
        if scored is None:
            status, reason = self._why(end, limit)
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
        """Ask the method for figures that need the truth; it must leave results and data as they are."""
        results = [RunFiles(self.attempt).predictions, RunFiles(self.attempt).scores]
        states = [os.stat(path) for path in results]
        remove(RunFiles(self.attempt).diagnosed)
        end = self._process("fwibench.runs.scoring.process", ["diagnose", str(self.attempt)], limit)
        found = find(Diagnosed, RunFiles(self.attempt).diagnosed) or Diagnosed(fault=self._why(end, limit)[1])
        if [_identity(os.stat(path)) for path in results] != [_identity(state) for state in states]:
            reason = "the method's diagnostics changed its predictions or scores"
            return record.model_copy(update={"status": "failed", "reason": reason})
        if changed := find_changed(before, dataset):
            reason = f"the method's diagnostics changed {changed[0].name} of {dataset.spec.name}"
            return record.model_copy(update={"status": "failed", "reason": reason})
        notes = [f"diagnostics could not be computed: {found.fault}"] if found.fault else []
        return record.model_copy(
            update={"diagnostics": {**record.diagnostics, **found.figures}, "notes": [*record.notes, *notes]}
        )

    def _process(self, module: str, arguments: list[str], limit: float | None) -> End:
        self.ears.ended = {}
        return run_process(module, arguments, self.folder, RunFiles(self.attempt).log, limit, self.ears)

    def _why(self, end: End, limit: float | None) -> tuple[Status, str]:
        """Return status and reason of a process that left nothing."""
        if end.code is None:
            return "timeout", f"killed at its time limit of {limit:g} s"
        if self.ears.ended:
            return "failed", str(self.ears.ended.get("reason", ""))
        if end.code == -signal.SIGKILL and end.out_of_memory:
            return "oom", "the system killed the process because memory ran out"
        if end.code == -signal.SIGKILL:
            return "failed", "the process was killed by SIGKILL, as the system does when memory runs out"
        if end.code < 0:
            return "failed", f"the process was killed by {signal.Signals(-end.code).name}"
        return "failed", f"the process exited with code {end.code} before the cell was done"

    def conclude(self, record: Record, *, kept: bool) -> Record:
        """Publish the result, or say why there is none.

        Args:
            record: How the attempt ended.
            kept: Whether an earlier result is there, which only a new result replaces.
        """
        if record.status == "ok":
            try:
                self._publish(record)
                return record
            except (FwibenchError, OSError) as error:
                record = _having(record, status="failed", reason=_reason(error), scores={})
        if kept or not (record.status in KEPT_FOR_RESUME or self.killed):
            remove(self.workdir)
        for kind in ("new", "partial"):
            remove(beside(self.folder, kind))
        try:
            if kept:
                log = RunFiles(self.folder).failed_log
                os.replace(RunFiles(self.attempt).log, log)
                record = _because(record, f"the earlier result is kept, {log.name} tells more")
            else:
                self._publish_failure(record)
        except (FwibenchError, OSError) as error:
            record = _because(record, "the earlier result is kept" if kept else _reason(error))
        remove(self.attempt)
        return record

    def _publish(self, record: Record) -> None:
        """Build the complete new folder beside the old one, then put it in its place."""
        new = beside(self.folder, "new")
        remove(new)
        new.mkdir()
        files = RunFiles(self.attempt)
        for path in (*files.products, files.log):
            if os.path.lexists(path):
                os.replace(path, new / path.name)
        sync_files(new.rglob("*"))
        write_record(record, RunFiles(new).record)
        replace_folder(new, self.folder)
        remove(self.attempt)

    def _publish_failure(self, record: Record) -> None:
        """Write the record into the folder, which keeps its checkpoints; products of an unreadable record go."""
        files = RunFiles(self.folder)
        for path in (files.record, *files.products, files.log, files.failed_log):
            remove(path)
        if (RunFiles(self.attempt).log).exists():
            os.replace(RunFiles(self.attempt).log, RunFiles(self.folder).log)
        # frees the disk, if that is why it failed
        shutil.rmtree(self.attempt, ignore_errors=True)
        write_record(record, RunFiles(self.folder).record)


def _having(record: Record, **values: Any) -> Record:
    return record.model_copy(update=values)


def _because(record: Record, more: str) -> Record:
    return _having(record, reason=f"{record.reason}; {more}")


def _failed(job: Job, reason: str, status: Status = "failed") -> Record:
    environment = {**describe_environment(), **job.record.environment}
    return job.record.model_copy(update={"status": status, "reason": reason, "environment": environment})


def _reason(error: BaseException) -> str:
    if isinstance(error, FwibenchError):
        return f"{error.message}; {error.hint}" if is_full(error.__cause__ or error) else error.message
    return f"{getattr(error, 'filename', None) or 'a file'} cannot be used: {getattr(error, 'strerror', None) or error}"


def _identity(state: os.stat_result) -> tuple[int, int, int, int]:
    return state.st_size, state.st_mtime_ns, state.st_ctime_ns, state.st_ino
