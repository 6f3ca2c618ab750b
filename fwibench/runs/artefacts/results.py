"""A results folder: one folder a cell under `runs/`, each with its record.

Invariant: a folder gets its name when it is complete, record included, so a reader never sees a record without its
files. Whoever changes a cell holds its lock, which lies beside the folders and so survives their replacement.
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
from fwibench.runs.artefacts.record import Record, read_record
from fwibench.runs.artefacts.replacing import beside, leftovers, repair, tidy
from fwibench.runs.artefacts.scores import Scores, read_scores

SHOWN = 8
"""Names of runs in a message."""


@dataclass(frozen=True)
class Results:
    """Folder of results.

    Attributes:
        root: The folder given by `--results`.
    """

    root: Path

    def folder(self, cell: Cell) -> Path:
        """Where a cell leaves its files."""
        return self.root / "runs" / cell.run_id

    @contextmanager
    def locked(self, run: str, wait: float | None = None) -> Iterator[None]:
        """Hold the lock of a run during the block; what a killed command left under another name is repaired first.

        Args:
            run: Name of the run's folder.
            wait: Seconds to wait for another holder; None waits without limit.

        Raises:
            BusyError: Another command works on the run.
            DataError: The lock cannot be made.
        """
        try:
            with locked(self.root / "runs" / ".locks" / f"{run}.lock", wait):
                repair(self.root / "runs" / run)
                yield
        except BusyError as error:
            raise BusyError(
                f"another command works on {run}", "wait until it has ended, then run this one again"
            ) from error

    def tidy(self) -> None:
        """Remove what killed commands left in any run that no other command works on."""
        for run in leftovers(self.root / "runs"):
            with suppress(FwibenchError, OSError), self.locked(run, 0):
                folder = self.root / "runs" / run
                tidy(folder, finished=_is_ok(folder))

    def finished(self, cell: Cell) -> Record | None:
        """The cell's record if it is `ok`; a failed cell never satisfies the cache."""
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
        return record if record.status == "ok" and record.cell.key == cell.key else None

    def lacking(self, base: str) -> str:
        """Why a cell cannot build on the run `base`; empty if it can, or builds on none."""
        if not base:
            return ""
        try:
            status = read_record(RunFiles(self.root / "runs" / base).record).status
        except RecordError as error:
            return f"builds on {base}, whose record is missing: {error.message}"
        return "" if status == "ok" else f"builds on {base}, which is {status}"

    def records(self) -> tuple[list[Record], list[str]]:
        """All records, by run, each cell's once, and one line for each that is left out."""
        found: dict[str, tuple[Path, Record]] = {}
        faults = []
        for path, record in _read_all(self._paths()):
            if isinstance(record, RecordError):
                faults.append(record.message)
                continue
            # a folder under its own name goes before its copies
            known, _ = found.get(record.cell.key, (path, record))
            chosen = path if path.parent.name == record.run_id else known
            if known != path:
                faults.append(f"{path if chosen == known else known} is left out: {chosen} is of the same cell")
            if chosen == path:
                found[record.cell.key] = path, record
        return [record for _, record in sorted(found.values(), key=lambda one: one[0])], faults

    def _paths(self) -> list[Path]:
        """Records of all runs, sorted; work in progress is left out, a run that a kill left unnamed is repaired.

        A record that may not be looked at is among them, and fails when it is read.

        Raises:
            DataError: The folder may not be looked at.
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
        return [RunFiles(folder).record for folder in folders if _may_be_there(RunFiles(folder).record)]

    def scores(self, record: Record, metrics: Sequence[str] | None = None) -> Scores:
        """Scores of each test sample of a finished run, of some metrics or all.

        Raises:
            RecordError: They cannot be read, or are of fewer or more samples than the record says.
        """
        scores = read_scores(self.folder(record.cell), metrics)
        if record.n_test not in (None, len(scores.ids)):
            raise RecordError(
                f"{record.run_id}/{RunFiles(Path()).scores} has {len(scores.ids)} samples, its record {record.n_test}",
                "fwibench rescore makes it again",
            )
        return scores

    def run(self, name: str) -> Path:
        """Folder of the run with that name, or the only one whose name contains it.

        Raises:
            UnknownNameError: No run has that name.
            UsageError: Several have it.
        """
        known = [path.parent.name for path in self._paths()]
        matches = [name] if name in known else [run for run in known if name in run]
        if not matches:
            raise UnknownNameError.among("run", name, known)
        if len(matches) > 1:
            more = f" and {len(matches) - SHOWN} more" if len(matches) > SHOWN else ""
            raise UsageError(f"'{name}' fits {len(matches)} runs", f"choose one of {', '.join(matches[:SHOWN])}{more}")
        return self.root / "runs" / matches[0]


def _is_ok(folder: Path) -> bool:
    try:
        return read_record(RunFiles(folder).record).status == "ok"
    except RecordError:
        return False


def _may_be_there(path: Path) -> bool:
    try:
        path.lstat()
    except OSError as error:
        return not isinstance(error, FileNotFoundError | NotADirectoryError)
    return True


def _read_all(paths: Sequence[Path]) -> list[tuple[Path, Record | RecordError]]:
    """Records, or why they cannot be read."""
    found: list[tuple[Path, Record | RecordError]] = []
    collects = gc.isenabled()
    # thousands of records are millions of objects, none of them garbage: looking for some takes as long as reading
    gc.disable()
    try:
        for path in paths:
            try:
                found.append((path, read_record(path)))
            except RecordError as error:
                found.append((path, error))
    finally:
        if collects:
            gc.enable()
    return found
