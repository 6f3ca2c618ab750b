"""Scores of finished runs from their stored predictions, for a metric that came later.

Invariant: predictions are read, never made; the table of scores and the record are each whole at any time. The run's
lock is held, so scores always belong to the predictions beside them.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fwibench.files.atomic import write_text
from fwibench.plugins.registry import Registry
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.record import Record
from fwibench.runs.processes.start import run_process
from fwibench.runs.scoring.rescore import Order


@dataclass(frozen=True)
class Rescored:
    """What came of one run.

    Attributes:
        folder: Of the run.
        scores: Means as they are now; empty if there was an error.
        failures: A line for each metric that failed.
        error: Why the scores were left as they were; empty if they were not.
        hint: What to do about that.
    """

    folder: Path
    scores: dict[str, float | None] = field(default_factory=dict)
    failures: tuple[str, ...] = ()
    error: str = ""
    hint: str = ""


def _show_log(path: Path) -> None:
    """Pass on the warnings of the process that scores, and all it says where the user debugs."""
    for line in path.read_text(errors="replace").splitlines():
        if line.startswith("warning: ") or os.environ.get("FWIBENCH_DEBUG"):
            sys.stderr.write(line + "\n")


def rescore_runs(runs: Sequence[tuple[Path, Record]], metrics: Sequence[str], registry: Registry) -> Iterator[Rescored]:
    """Rescore runs in processes that load no other plugins than those of the datasets and the metrics.

    Args:
        runs: Folders and records.
        metrics: Names.
        registry: All plugins.
    """
    groups: dict[tuple[tuple[str, str], ...], list[Path]] = {}
    for folder, record in runs:
        known = [name for name in (*metrics, *record.scores) if name in registry.metrics]
        plugins = [registry.metric(name).plugin for name in known]
        if record.cell.dataset in registry.datasets:
            plugins.append(registry.dataset(record.cell.dataset).plugin)
        keys = tuple(sorted({(plugin.distribution, plugin.name) for plugin in plugins}))
        groups.setdefault(keys, []).append(folder)
    for keys, folders in groups.items():
        yield from _rescore_apart(Order(folders=folders, metrics=list(metrics), plugins=list(keys)))


def _rescore_apart(order: Order) -> Iterator[Rescored]:
    done: dict[Path, Rescored] = {}

    def tell(event: dict[str, Any]) -> None:
        found = event["rescored"]
        folder = Path(found.pop("folder"))
        done[folder] = Rescored(folder, **{**found, "failures": tuple(found.get("failures", ()))})

    with TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        place = Path(scratch)
        write_text(RunFiles(place).order, json.dumps({**dict(order), "folders": list(map(str, order.folders))}))
        end = run_process("fwibench.runs.scoring.process", ["rescore", scratch], place, RunFiles(place).log, None, tell)
        _show_log(RunFiles(place).log)
    for folder in order.folders:
        lost = Rescored(folder, error=f"the process that scores ended with code {end.code}", hint="--debug shows more")
        yield done.get(folder, lost)
