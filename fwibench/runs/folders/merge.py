"""Merging the results folders of several machines.

Invariant: a run is copied completely and published atomically, while its lock is held; if a cell has several records,
an explicit rule selects one. Runs with links are not copied: writers would follow the links out of the folder.
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
from fwibench.runs.artefacts.replacement import beside, find_irregular, remove, replace_folder
from fwibench.runs.artefacts.results import Results

Rule = Literal["newest", "first", "refuse"]
"""Which of several records of a cell is kept; an `ok` record always takes precedence over others.

`newest`: the record with the latest start. `first`: that of the folder named first. `refuse`: several are an error.
"""
WAIT_S = 5.0
"""Time to wait for another command that works on a run [s]."""
TRIES = 3
"""Number of attempts to copy a run that changes during the copy."""


@dataclass
class Merged:
    """Summary of a merge.

    Attributes:
        runs: Number of runs in the target after the merge.
        copied: Number of runs that were copied to the target.
        duplicates: Number of records that were not kept because another record of the same cell was.
        differing: A line for each cell whose results differ.
        faults: A line for each record that cannot be read.
        left: A line for each run that should have been copied but was not.
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
    """Copy the runs of all sources into one folder; runs of the target take part as if it were the first source.

    Args:
        sources: Results folders.
        target: Results folder to copy to; may exist.
        rule: Which of several records of a cell is kept.

    Returns:
        Summary of the merge.

    Raises:
        UsageError: Several folders have the same cell, and the rule is `refuse`.
        DataError: A source has no records, or the target is not writable.
    """
    check_folder(target)
    merged = Merged()
    chosen: dict[str, _Run] = {}
    folders = list(dict.fromkeys(path.resolve() for path in (target, *sources)))
    for folder in folders:
        results = Results(folder)
        records, faults = results.records()
        merged.faults += faults
        if not records and folder != folders[0]:
            raise DataError(
                f"there are no records in {folder}", "name results folders that fwibench run wrote with --results"
            )
        for record in records:
            run = _Run(results.folder(record.cell), record, results)
            if not RunFiles(run.folder).record.exists():
                merged.faults.append(f"{record.run_id} in {folder} is left out: its folder has another name")
                continue
            if folder != folders[0] and (entry := find_irregular(run.folder)):
                merged.left.append(f"{record.run_id} in {folder} is left out: {entry} is not a regular file or folder")
                continue
            known = chosen.setdefault(record.cell.key, run)
            if known is not run:
                chosen[record.cell.key] = _choose(known, run, rule, merged)
    for run in chosen.values():
        if run.results.root != folders[0]:
            _merge_run(run, Results(folders[0]), rule, merged)
    merged.runs = len(chosen)
    return merged


def _merge_run(run: _Run, target: Results, rule: Rule, merged: Merged) -> None:
    """Copy a run, unless another command has written a preferred one to the target in the meantime."""
    name, folder = run.record.run_id, target.folder(run.record.cell)
    try:
        with target.locked(name, WAIT_S):
            try:
                existing = _Run(folder, read_record(RunFiles(folder).record), target)
            except RecordError:
                existing = None
            # duplicates that existed before the merge are counted already
            if existing is None or _choose(existing, run, rule, Merged()) is run:
                _copy(run, folder)
                merged.copied += 1
    except BusyError:
        merged.left.append(f"{name} is left out: another command works on it in {target.root}; merge again later")


def _choose(known: _Run, other: _Run, rule: Rule, merged: Merged) -> _Run:
    """Return which of two runs of the same cell is kept."""
    name = known.record.run_id
    if rule == "refuse":
        raise UsageError(
            f"{name} is in {known.results.root} and in {other.results.root}",
            "--duplicates newest or first selects one",
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
    """Copy a run next to the target's folder, then replace that; an interrupted copy changes nothing."""
    new = beside(folder, "new")
    try:
        for _ in range(TRIES):
            remove(new)
            before = _state(run.folder)
            try:
                shutil.copytree(run.folder, new, symlinks=True)
            except FileNotFoundError:
                continue
            if _state(run.folder) == before and not find_irregular(new):
                replace_folder(new, folder)
                return
        raise DataError(f"{run.folder} changed while it was copied", "merge again when no command works on it")
    except OSError as error:
        raise DataError(
            f"{run.folder} cannot be copied to {folder}: {error}", "free disk space, then merge again: it resumes"
        ) from error
    finally:
        remove(new)


def _state(folder: Path) -> tuple[int, bytes]:
    """Return a state that differs after any command has changed the run: the folder's inode, and its record."""
    return folder.stat().st_ino, RunFiles(folder).record.read_bytes()
