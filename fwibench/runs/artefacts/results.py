"""A results folder: one folder for each cell under `runs/`, with its record.

Invariant: a folder gets its name when it is complete, including the record, so a reader never sees a record without its
files. A writer holds the lock of the cell, which lies outside of the cell's folder and so outlives its replacement.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from fwibench.errors import DataError, FwibenchError, RecordError, UnknownNameError, UsageError
from fwibench.files.locks import BusyError, locked
from fwibench.runs.artefacts.cell import Cell
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.model_files import model_sha256
from fwibench.runs.artefacts.record import Record, read_record
from fwibench.runs.artefacts.replacement import beside, clean_up, find_leftovers, repair
from fwibench.runs.artefacts.scores import Scores, read_scores

NAMES_SHOWN = 8
"""Largest number of runs that a message names."""


@dataclass(frozen=True)
class Results:
    """A results folder.

    Attributes:
        root: The folder given by `--results`.
    """

    root: Path

    def folder(self, cell: Cell) -> Path:
        """Return the folder of a cell."""
        return self.root / "runs" / cell.run_id

    @contextmanager
    def locked(self, run: str, wait: float | None = None) -> Iterator[None]:
        """Hold the lock of a run during the block, after restoring a folder that a killed command left renamed.

        Args:
            run: Name of the run's folder.
            wait: Time to wait for another command that holds the lock [s]; None waits without limit.

        Raises:
            BusyError: Another command works on the run.
            DataError: The lock cannot be created.
        """
        try:
            with locked(self.root / "runs" / ".locks" / f"{run}.lock", wait):
                repair(self.root / "runs" / run)
                yield
        except BusyError as error:
            raise BusyError(
                f"another command works on {run}", "wait until it has ended, then run this one again"
            ) from error

    def clean_up(self) -> None:
        """Remove leftovers of killed commands from all runs that no other command works on."""
        for run in find_leftovers(self.root / "runs"):
            with suppress(FwibenchError, OSError), self.locked(run, 0):
                folder = self.root / "runs" / run
                clean_up(folder, finished=_is_ok(folder))

    def finished(self, cell: Cell) -> Record | None:
        """Return the cell's record if its status is `ok`, else None: a failed cell is never a cache hit.

        Nor is a transferred cell whose model is absent, or was fitted again since with another result.
        """
        folder = self.folder(cell)
        path = RunFiles(folder).record
        if not os.path.exists(path):
            if not os.path.lexists(beside(folder, "old")):
                return None
            with suppress(FwibenchError, OSError), self.locked(cell.run_id, 0):
                pass
        try:
            record = read_record(path)
        except RecordError:
            return None
        if record.status != "ok" or record.cell.key != cell.key:
            return None
        return record if not cell.model or self.model_sha256(record.cell.model) == record.model_sha256 else None

    def model_sha256(self, run: str) -> str | None:
        """Return the hash of the fitted model of a finished run; None if the run has no result or no model.

        Args:
            run: Name of the run.
        """
        files = RunFiles(self.root / "runs" / run)
        try:
            record = read_record(files.record)
            if record.status != "ok":
                return None
            # records of earlier versions lack it
            return record.model_sha256 or model_sha256(files.model)
        except (FwibenchError, OSError):
            return None

    def missing_run_reason(self, cell: Cell) -> str:
        """Return why a cell cannot use a run that it needs, see `Cell.needed_runs`; empty if it can use all."""
        for run in cell.needed_runs:
            use = "applies the model of" if run == cell.model else "builds on"
            try:
                status = read_record(RunFiles(self.root / "runs" / run).record).status
            except RecordError as error:
                return f"{use} {run}, whose record is missing: {error.message}"
            if status != "ok":
                return f"{use} {run}, which is {status}"
        return ""

    def records(self, *, history: bool = True) -> tuple[list[Record], list[str]]:
        """Return one record for each cell, sorted by run, and a line for each record that is left out.

        Args:
            history: See `read_record`.
        """
        found: dict[str, tuple[Path, Record]] = {}
        faults = []
        for path, record in _read_all(self._paths(), history):
            if isinstance(record, RecordError):
                faults.append(record.message)
                continue
            # a folder that has the run's name takes precedence over its copies
            known, _ = found.get(record.cell.key, (path, record))
            chosen = path if path.parent.name == record.run_id else known
            if known != path:
                faults.append(f"{path if chosen == known else known} is left out: {chosen} is of the same cell")
            if chosen == path:
                found[record.cell.key] = path, record
        return [record for _, record in sorted(found.values(), key=lambda one: one[0])], faults

    def _paths(self) -> list[Path]:
        """Return the sorted paths of all records, without work in progress; interrupted replacements are repaired.

        The path of a record without read permission is included; reading it fails.

        Raises:
            DataError: The folder of the runs cannot be listed.
        """
        runs = self.root / "runs"
        try:
            names = {entry.name for entry in os.scandir(runs)}
        except (FileNotFoundError, NotADirectoryError):
            return []
        except OSError as error:
            raise DataError(f"{runs} cannot be read: {error.strerror}", "check its permissions") from error
        for run in [name[1:-4] for name in names if name.startswith(".") and name.endswith(".old")]:
            if run not in names:
                with suppress(FwibenchError, OSError), self.locked(run, 0):
                    names.add(run)
        folders = (runs / name for name in sorted(names) if not name.startswith("."))
        return [RunFiles(folder).record for folder in folders if _may_exist(RunFiles(folder).record)]

    def scores(self, record: Record, metrics: Sequence[str] | None = None) -> Scores:
        """Return the scores of each test sample of a finished run.

        Args:
            record: Record of the run.
            metrics: Names of the metrics to read; None reads all.

        Raises:
            RecordError: The scores cannot be read, or their number differs from the record's `n_test`.
        """
        scores = read_scores(self.folder(record.cell), metrics)
        if record.n_test not in (None, len(scores.ids)):
            raise RecordError(
                f"{record.run_id}/{RunFiles(Path()).scores} has {len(scores.ids)} samples, its record {record.n_test}",
                "fwibench rescore writes it again",
            )
        return scores

    def run(self, name: str) -> Path:
        """Return the folder of the run with this name, or of the only run whose name contains it.

        Raises:
            UnknownNameError: No run matches the name.
            UsageError: Several runs match it.
        """
        known = [path.parent.name for path in self._paths()]
        matches = [name] if name in known else [run for run in known if name in run]
        if not matches:
            raise UnknownNameError.among("run", name, known)
        if len(matches) > 1:
            more = f" and {len(matches) - NAMES_SHOWN} more" if len(matches) > NAMES_SHOWN else ""
            raise UsageError(
                f"'{name}' matches {len(matches)} runs", f"choose one of {', '.join(matches[:NAMES_SHOWN])}{more}"
            )
        return self.root / "runs" / matches[0]


def _is_ok(folder: Path) -> bool:
    try:
        return read_record(RunFiles(folder).record).status == "ok"
    except RecordError:
        return False


def _may_exist(path: Path) -> bool:
    try:
        path.lstat()
    except OSError as error:
        return not isinstance(error, FileNotFoundError | NotADirectoryError)
    return True


def _read_all(paths: Sequence[Path], history: bool) -> list[tuple[Path, Record | RecordError]]:
    """Read records; return an error for each that cannot be read."""
    found: list[tuple[Path, Record | RecordError]] = []
    with uncollected():
        for path in paths:
            try:
                found.append((path, read_record(path, history=history)))
            except RecordError as error:
                found.append((path, error))
    return found


@contextmanager
def uncollected() -> Iterator[None]:
    """Collect no garbage during the block: thousands of records are millions of live objects that are visited then."""
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()
