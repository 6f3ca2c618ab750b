"""Rescoring the runs of a results folder, in processes with the plugins of their datasets and metrics."""

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
from fwibench.runs.processes.launch import Launch, run_process
from fwibench.runs.scoring.rescore import RescoreJob


@dataclass(frozen=True)
class Rescored:
    """Result of rescoring one run.

    Attributes:
        folder: Folder of the run.
        scores: Mean scores after rescoring; empty after an error.
        failures: A line for each metric that failed.
        error: Why the scores are unchanged; empty without an error.
        hint: What to do about the error.
    """

    folder: Path
    scores: dict[str, float | None] = field(default_factory=dict)
    failures: tuple[str, ...] = ()
    error: str = ""
    hint: str = ""


def _show_log(path: Path) -> None:
    """Print the warnings of the scoring process, or its whole log if the user debugs."""
    for line in path.read_text(errors="replace").splitlines():
        if line.startswith("warning: ") or os.environ.get("FWIBENCH_DEBUG"):
            sys.stderr.write(line + "\n")


def rescore_runs(runs: Sequence[tuple[Path, Record]], metrics: Sequence[str], registry: Registry) -> Iterator[Rescored]:
    """Rescore runs in processes that load only the plugins of their datasets and metrics.

    Args:
        runs: Folder and record of each run.
        metrics: Names of the metrics.
        registry: Registry of all plugins.

    Yields:
        The result of each run.
    """
    groups: dict[tuple[tuple[str, str], ...], list[Path]] = {}
    for folder, record in runs:
        known = [name for name in (*metrics, *record.scores) if name in registry.metrics]
        plugins = [registry.metric(name).plugin for name in known]
        if record.cell.scored_on.dataset in registry.datasets:
            plugins.append(registry.dataset(record.cell.scored_on.dataset).plugin)
        keys = tuple(sorted({(plugin.distribution, plugin.name) for plugin in plugins}))
        groups.setdefault(keys, []).append(folder)
    for keys, folders in groups.items():
        yield from _rescore_in_process(RescoreJob(folders=folders, metrics=list(metrics), plugins=list(keys)))


def _rescore_in_process(job: RescoreJob) -> Iterator[Rescored]:
    done: dict[Path, Rescored] = {}

    def on_event(event: dict[str, Any]) -> None:
        found = event["rescored"]
        folder = Path(found.pop("folder"))
        done[folder] = Rescored(folder, **{**found, "failures": tuple(found.get("failures", ()))})

    with TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
        files = RunFiles(Path(scratch))
        write_text(files.order, json.dumps({**dict(job), "folders": list(map(str, job.folders))}))
        end = run_process(
            Launch("fwibench.runs.scoring.worker", ("rescore", scratch), files.folder, files.log), on_event
        )
        _show_log(files.log)
    for folder in job.folders:
        missing = Rescored(folder, error=f"the scoring process ended with code {end.code}", hint="--debug shows more")
        yield done.get(folder, missing)
