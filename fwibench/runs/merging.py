"""Results of several machines in one folder.

Invariant: a run is copied whole, its record last; of several records of a cell one is kept, by a rule that is said.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from fwibench.errors import DataError, UsageError
from fwibench.files import atomic_write, check_folder
from fwibench.runs.differences import describe_difference
from fwibench.runs.record import Record
from fwibench.runs.results import RECORD, Results

Rule = Literal["newest", "first", "refuse"]
"""Which of several records of a cell is kept; an `ok` one always goes before one that is not.

`newest`: that of the latest start. `first`: that of the folder named first. `refuse`: none, that is an error.
"""


@dataclass
class Merged:
    """What a merge did.

    Attributes:
        runs: In the target afterwards.
        copied: Into it.
        duplicates: Records that another one of the same cell was preferred to.
        differing: A line for each cell whose results differ.
        faults: A line for each record that cannot be read.
    """

    runs: int = 0
    copied: int = 0
    duplicates: int = 0
    differing: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


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
            if not (run.folder / RECORD).exists():
                merged.faults.append(f"{record.run_id} in {place} is left out: its folder has another name")
                continue
            known = chosen.setdefault(record.cell.key, run)
            if known is not run:
                chosen[record.cell.key] = _choose(known, run, rule, merged)
    for run in chosen.values():
        if run.results.root != folders[0]:
            _copy(run, Results(folders[0]).folder(run.record.cell))
            merged.copied += 1
    merged.runs = len(chosen)
    return merged


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
    """Copies a run; the record comes last, so a copy that is cut short is no run, and what it replaces stays."""
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        shutil.copytree(
            run.folder, partial, symlinks=True, ignore=lambda at, _: [RECORD] if Path(at) == run.folder else []
        )
        if folder.exists():
            (folder / RECORD).unlink(missing_ok=True)
            shutil.rmtree(folder)
        partial.rename(folder)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise DataError(
            f"{run.folder} cannot be copied to {folder}: {error}", "make room, then merge again: it goes on"
        ) from error
    with atomic_write(folder / RECORD) as stream:
        stream.write((run.folder / RECORD).read_bytes())
