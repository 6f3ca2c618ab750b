"""Cells of result format 1 that a results folder holds under their original names.

Invariant: results of format 1 keep their folders and keys, and a plan finds them there.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from fwibench.errors import RecordError
from fwibench.runs.artefacts.cell import Cell
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.record import read_record

ADDED = {"min_batches", "min_learning_rate", "restart_epochs", "restart_factor", "drop_last", "keep", "l2_weight"}
"""Options of trainings that cells of format 1 do not have; their keys hashed all options."""


@dataclass
class Format1Cells:
    """Lookup of cells of format 1 by the equivalent cells of the current format.

    Attributes:
        runs: Folder of the runs; records are read lazily.
        known: Cells that are searched first.
    """

    runs: Path
    known: tuple[Cell, ...] = ()
    _read: dict[str, Cell | None] = field(default_factory=dict, repr=False)

    def adopt(self, cell: Cell) -> Cell:
        """Return the cell whose name the result has: an equivalent one of format 1 if it exists, else `cell`.

        Args:
            cell: A cell of the current format.
        """
        for former in self.known:
            if former.key == cell.key or (former.non_default is None and cell.continues(former)):
                return former
        names = self._names.get(_without_key(cell.run_id), ())
        if not names or cell.run_id in names:
            return cell
        since = ADDED - (cell.non_default or {}).keys()
        options = {name: value for name, value in cell.options.items() if name not in since}
        old = Cell.model_validate({**cell.model_dump(), "options": options, "non_default": None})
        for name in names:
            former_cell = self._cell(name)
            if former_cell is not None and cell.continues(former_cell):
                return former_cell
            if name == old.run_id:
                # an interrupted attempt has checkpoints but no record
                return old
        return cell

    @cached_property
    def _names(self) -> dict[str, list[str]]:
        """Names of runs, by their name without the key."""
        try:
            entries = sorted(entry.name for entry in os.scandir(self.runs))
        except OSError:
            return {}
        return _group_by_prefix(name.removeprefix(".").removesuffix(".old") for name in entries)

    def _cell(self, name: str) -> Cell | None:
        """Return the cell of a run if it is of format 1; None otherwise, or without a readable record."""
        if name not in self._read:
            try:
                found = read_record(RunFiles(self.runs / name).record).cell
            except RecordError:
                found = None
            self._read[name] = found if found and found.non_default is None else None
        return self._read[name]


def _without_key(run_id: str) -> str:
    return run_id.rpartition("-")[0]


def _group_by_prefix(names: Iterable[str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        found.setdefault(_without_key(name), []).append(name)
    return found
