"""fwibench: a benchmark suite for geophysical inversion.

What a plugin's entry module needs stands here and is light; torch and deepwave are imported only by
the code that computes with them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fwibench.plugins.hookspecs import hookimpl
    from fwibench.problem import Frozen
    from fwibench.specs.base import NoOptions
    from fwibench.specs.dataset import DatasetSpec, PublishedMaps
    from fwibench.specs.exporter import ExporterSpec
    from fwibench.specs.method import MethodSpec, Published, TrainingOptions
    from fwibench.specs.metric import MetricSpec

__version__ = "0.1.0"

__all__ = [
    "DatasetSpec",
    "ExporterSpec",
    "Frozen",
    "MethodSpec",
    "MetricSpec",
    "NoOptions",
    "Published",
    "PublishedMaps",
    "TrainingOptions",
    "hookimpl",
]

_HOMES = {
    "DatasetSpec": "fwibench.specs.dataset",
    "PublishedMaps": "fwibench.specs.dataset",
    "TrainingOptions": "fwibench.specs.method",
    "MethodSpec": "fwibench.specs.method",
    "Published": "fwibench.specs.method",
    "MetricSpec": "fwibench.specs.metric",
    "ExporterSpec": "fwibench.specs.exporter",
    "hookimpl": "fwibench.plugins.hookspecs",
    "Frozen": "fwibench.problem",
    "NoOptions": "fwibench.specs.base",
}
"""Module of each public name. They are imported when asked for, so that the command starts in a moment."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
