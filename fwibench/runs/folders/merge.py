"""Results of several machines in one folder.

Invariant: a run is copied whole and takes its place in a single step, while its lock is held; of several records of a
cell one is kept, by a rule that is said. Links are not copied: they would lead writers out of the folder.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from fwibench.errors import DataError, RecordError, UsageError
from fwibench.files.atomic import check_folder
from fwibench.files.locks import BusyError
from fwibench.runs.artefacts.differences import describe_difference
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.record import Record, read_record
from fwibench.runs.artefacts.replacing import beside, irregular, remove, replace_folder
from fwibench.runs.artefacts.results import Results

Rule = Literal["newest", "first", "refuse"]
"""Which of several records of a cell is kept; an `ok` one always goes before one that is not.

`newest`: that of the latest start. `first`: that of the folder named first. `refuse`: none, that is an error.
"""
WAIT_S = 5.0
"""How long a run on which another command works is waited for."""
TRIES = 3
"""How often a run is copied that changes while it is read."""


@dataclass
class Merged:
    """What a merge did.

    Attributes:
        runs: In the target afterwards.
        copied: Into it.
        duplicates: Records that another one of the same cell was preferred to.
        differing: A line for each cell whose results differ.
        faults: A line for each record that cannot be read.
        left: A line for each run that was not copied, though it should have been.
    """

    runs: int = 0
    copied: int = 0
    duplicates: int = 0
    differing: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class _Run:
    folder: Path
    record: Record
    results: Results


def merge(sources: Sequence[Path], target: Path, rule: Rule = "newest") -> Merged:
    """Copies the runs of all sources into one folder; runs that are in it already take part, before the others.

    Raises:
        UsageError: Several folders hold the same cell, and the rule is to refuse that.
        DataError: A source has no records, or nothing can be written to the target.
    """
    check_folder(target)
    merged = Merged()
    chosen: dict[str, _Run] = {}
    folders = list(dict.fromkeys(path.resolve() for path in (target, *sources)))
    for place in folders:
        results = Results(place)
        records, faults = results.records()
        merged.faults += faults
        if not records and place != folders[0]:
            raise DataError(f"there are no records in {place}", "name folders that fwibench run made with --results")
        for record in records:
            run = _Run(results.folder(record.cell), record, results)
            if not (RunFiles(run.folder).record).exists():
                merged.faults.append(f"{record.run_id} in {place} is left out: its folder has another name")
                continue
            if place != folders[0] and (thing := irregular(run.folder)):
                merged.left.append(f"{record.run_id} in {place} is left out: {thing} is not a regular file or folder")
                continue
            known = chosen.setdefault(record.cell.key, run)
            if known is not run:
                chosen[record.cell.key] = _choose(known, run, rule, merged)
    for run in chosen.values():
        if run.results.root != folders[0]:
            _take(run, Results(folders[0]), rule, merged)
    merged.runs = len(chosen)
    return merged


def _take(run: _Run, target: Results, rule: Rule, merged: Merged) -> None:
    """Copy a run, unless another command made a better one in the target meanwhile."""
    name, folder = run.record.run_id, target.folder(run.record.cell)
    try:
        with target.locked(name, WAIT_S):
            try:
                there = _Run(folder, read_record(RunFiles(folder).record), target)
            except RecordError:
                there = None
            # those that were known at the beginning have been compared already
            if there is None or _choose(there, run, rule, Merged()) is run:
                _copy(run, folder)
                merged.copied += 1
    except BusyError:
        merged.left.append(f"{name} is left out: another command works on it in {target.root}; merge again after it")


def _choose(known: _Run, other: _Run, rule: Rule, merged: Merged) -> _Run:
    """The run to keep of two of the same cell."""
    name = known.record.run_id
    if rule == "refuse":
        raise UsageError(
            f"{name} is in {known.results.root} and in {other.results.root}",
            "--duplicates newest or first says which is kept",
        )
    merged.duplicates += 1
    better = other.record.status == "ok" and known.record.status != "ok"
    worse = known.record.status == "ok" and other.record.status != "ok"
    newer = rule == "newest" and other.record.started > known.record.started
    kept = other if better or (newer and not worse) else known
    if difference := describe_difference(known.record, other.record):
        merged.differing.append(f"{name}: {difference}; that in {kept.results.root} is kept")
    return kept


def _copy(run: _Run, folder: Path) -> None:
    """Copy a run beside the target's folder, then put it in its place; a copy that is cut short changes nothing."""
    new = beside(folder, "new")
    try:
        for _ in range(TRIES):
            remove(new)
            before = _state(run.folder)
            try:
                shutil.copytree(run.folder, new, symlinks=True)
            except FileNotFoundError:
                continue
            if _state(run.folder) == before and not irregular(new):
                replace_folder(new, folder)
                return
        raise DataError(f"{run.folder} changed while it was copied", "merge again when no command works on it")
    except OSError as error:
        raise DataError(
            f"{run.folder} cannot be copied to {folder}: {error}", "make room, then merge again: it goes on"
        ) from error
    finally:
        remove(new)


def _state(folder: Path) -> tuple[int, bytes]:
    """Return what changes whenever a command changes a run: the folder itself, or its record."""
    return folder.stat().st_ino, (RunFiles(folder).record).read_bytes()
