"""A results folder: one folder a cell under `runs/`, each with its record.

Invariant: a record appears last, so a folder that has one is complete.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fwibench.errors import RecordError, UnknownNameError, UsageError
from fwibench.runs.cell import Cell
from fwibench.runs.record import Record, read_record

RECORD = "record.json"


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

    def finished(self, cell: Cell) -> Record | None:
        """The cell's record if it is `ok`; a failed cell never satisfies the cache."""
        path = self.folder(cell) / RECORD
        if not path.exists():
            return None
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
            status = read_record(self.root / "runs" / base / RECORD).status
        except RecordError as error:
            return f"builds on {base}, whose record is missing: {error.message}"
        return "" if status == "ok" else f"builds on {base}, which is {status}"

    def records(self) -> tuple[list[Record], list[str]]:
        """All records, by run, and one line for each that cannot be read."""
        found, faults = [], []
        for path in sorted((self.root / "runs").glob(f"*/{RECORD}")):
            try:
                found.append(read_record(path))
            except RecordError as error:
                faults.append(error.message)
        return found, faults

    def run(self, name: str) -> Path:
        """Folder of the run with that name, or the only one whose name contains it.

        Raises:
            UnknownNameError: No run has that name.
            UsageError: Several have it.
        """
        known = sorted(path.parent.name for path in (self.root / "runs").glob(f"*/{RECORD}"))
        matches = [name] if name in known else [run for run in known if name in run]
        if not matches:
            raise UnknownNameError.among("run", name, known)
        if len(matches) > 1:
            raise UsageError(f"'{name}' fits {len(matches)} runs", f"choose one of {', '.join(matches)}")
        return self.root / "runs" / matches[0]
