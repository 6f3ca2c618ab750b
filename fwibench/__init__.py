"""fwibench: a benchmark suite for geophysical inversion.

What a plugin's entry module needs stands here and is light; torch and deepwave are imported only by
the code that computes with them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fwibench.datasets.spec import DatasetSpec
    from fwibench.methods.options import TrainingOptions
    from fwibench.methods.spec import MethodSpec, Published
    from fwibench.metrics.spec import MetricSpec
    from fwibench.plugins.exporter import ExporterSpec
    from fwibench.plugins.hookspecs import hookimpl
    from fwibench.problem import Frozen
    from fwibench.specs import NoOptions

__version__ = "0.1.0"

__all__ = [
    "DatasetSpec",
    "ExporterSpec",
    "Frozen",
    "MethodSpec",
    "MetricSpec",
    "NoOptions",
    "Published",
    "TrainingOptions",
    "hookimpl",
]

_HOMES = {
    "DatasetSpec": "fwibench.datasets.spec",
    "TrainingOptions": "fwibench.methods.options",
    "MethodSpec": "fwibench.methods.spec",
    "Published": "fwibench.methods.spec",
    "MetricSpec": "fwibench.metrics.spec",
    "ExporterSpec": "fwibench.plugins.exporter",
    "hookimpl": "fwibench.plugins.hookspecs",
    "Frozen": "fwibench.problem",
    "NoOptions": "fwibench.specs",
}
"""Module of each public name. They are imported when asked for, so that the command starts in a moment."""


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_HOMES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
