"""The hooks that a plugin may implement.

Hooks return specs; the `target` of a spec names the code, which is imported only when it is used. A study has no code.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from fwibench.specs.dataset import DatasetSpec
    from fwibench.specs.exporter import ExporterSpec
    from fwibench.specs.importer import ImporterSpec
    from fwibench.specs.logger import CellReport, LoggerSpec, StartedCell
    from fwibench.specs.method import MethodSpec
    from fwibench.specs.metric import MetricSpec
    from fwibench.specs.study import StudySpec

GROUP = "fwibench"
"""Entry-point group, and pluggy's project name."""

hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


@hookspec
def fwibench_methods() -> Iterable[MethodSpec]:  # type: ignore[empty-body]
    """Return specs of the methods that the plugin offers."""


@hookspec
def fwibench_datasets() -> Iterable[DatasetSpec]:  # type: ignore[empty-body]
    """Return specs of the datasets that the plugin offers."""


@hookspec
def fwibench_metrics() -> Iterable[MetricSpec]:  # type: ignore[empty-body]
    """Return specs of the metrics that the plugin offers."""


@hookspec
def fwibench_exporters() -> Iterable[ExporterSpec]:  # type: ignore[empty-body]
    """Return specs of the file formats that the plugin offers for leaderboards."""


@hookspec
def fwibench_studies() -> Iterable[StudySpec]:  # type: ignore[empty-body]
    """Return specs of the studies that the plugin offers."""


@hookspec
def fwibench_importers() -> Iterable[ImporterSpec]:  # type: ignore[empty-body]
    """Return specs of the importers that the plugin offers: they make model files of published weights."""


@hookspec
def fwibench_loggers() -> Iterable[LoggerSpec]:  # type: ignore[empty-body]
    """Return specs of the loggers that the plugin offers: `run --log` switches them on."""


@hookspec
def fwibench_cell_started(started: StartedCell) -> None:
    """Receive a cell that starts; called in the main process, before its reports. Cached cells do not start."""


@hookspec
def fwibench_report(report: CellReport) -> None:
    """Receive the numbers of a running cell; called in the main process. Some are left out if they come too fast."""


@hookspec
def fwibench_cell_finished(record: Mapping[str, Any], run: str) -> None:
    """Receive the record of a finished cell, whatever its status, and the name of its run; in the main process."""
