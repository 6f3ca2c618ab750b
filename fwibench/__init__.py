"""fwibench: a benchmark suite for geophysical inversion.

What a plugin's entry module needs stands here and is light; torch and deepwave are imported only by
the code that computes with them.
"""

from fwibench.datasets.spec import DatasetSpec, PublishedMaps
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
    "PublishedMaps",
    "TrainingOptions",
    "hookimpl",
]
