"""The hooks of fwibench: all that a plugin may implement.

Hooks return light specs; a spec's `target` names the code, which is imported only when it is used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    from fwibench.specs.dataset import DatasetSpec
    from fwibench.specs.exporter import ExporterSpec
    from fwibench.specs.method import MethodSpec
    from fwibench.specs.metric import MetricSpec

GROUP = "fwibench"
"""Entry-point group, and pluggy's project name."""

hookspec = pluggy.HookspecMarker(GROUP)
hookimpl = pluggy.HookimplMarker(GROUP)


@hookspec
def fwibench_methods() -> Iterable[MethodSpec]:  # type: ignore[empty-body]
    """Specs of the methods that the plugin offers."""


@hookspec
def fwibench_datasets() -> Iterable[DatasetSpec]:  # type: ignore[empty-body]
    """Specs of the datasets that the plugin offers."""


@hookspec
def fwibench_metrics() -> Iterable[MetricSpec]:  # type: ignore[empty-body]
    """Specs of the metrics that the plugin offers."""


@hookspec
def fwibench_exporters() -> Iterable[ExporterSpec]:  # type: ignore[empty-body]
    """Specs of the file formats that the plugin offers for leaderboards."""


@hookspec
def fwibench_cell_finished(record: Mapping[str, Any]) -> None:
    """Called in the main process after a cell has left its record, whatever its status."""
