"""fwibench: a benchmark suite for geophysical inversion.

All public names are attributes of this package. They are imported when they are first used, so that
`import fwibench` and the commands start without torch, deepwave, scipy, pandas or matplotlib.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fwibench.api.catalogue import list_datasets, list_methods, list_metrics
    from fwibench.api.datasets import LoadedDataset, load_dataset
    from fwibench.api.evaluate import evaluate
    from fwibench.api.evaluation import Evaluation
    from fwibench.api.model_files import LoadedModel, load_model
    from fwibench.api.runs import RunOutcome, leaderboard, load_run, run
    from fwibench.api.score import score
    from fwibench.api.studies import StudyOutcome, study
    from fwibench.datasets.base import Dataset
    from fwibench.datasets.simulated import SimulatedDataset
    from fwibench.datasets.stored import StoredDataset
    from fwibench.methods.base import Method
    from fwibench.methods.complexity import Complexity, Layer
    from fwibench.methods.context import RunContext
    from fwibench.methods.gaussian import gaussian_samples
    from fwibench.methods.iterative import IterativeMethod
    from fwibench.methods.torch_method import TorchMethod
    from fwibench.plugins.hookspecs import hookimpl
    from fwibench.problem import Frozen, Problem
    from fwibench.runs.planning.request import Selected
    from fwibench.samples import Split
    from fwibench.specs.base import NoOptions
    from fwibench.specs.dataset import DatasetSpec, PublishedMaps
    from fwibench.specs.dataset_options import DatasetOptions, FilesOptions
    from fwibench.specs.exporter import ExporterSpec
    from fwibench.specs.importer import Imported, ImporterSpec
    from fwibench.specs.logger import CellReport, LoggerSpec, StartedCell
    from fwibench.specs.method import MethodSpec, Published, TrainingOptions
    from fwibench.specs.metric import MetricSpec
    from fwibench.specs.study import Case, Claim, Effort, PublishedValue, Quantity, StudySpec

from fwibench.version import __version__ as __version__

__all__ = [
    "Case",
    "CellReport",
    "Claim",
    "Complexity",
    "Dataset",
    "DatasetOptions",
    "DatasetSpec",
    "Effort",
    "Evaluation",
    "ExporterSpec",
    "FilesOptions",
    "Frozen",
    "Imported",
    "ImporterSpec",
    "IterativeMethod",
    "Layer",
    "LoadedDataset",
    "LoadedModel",
    "LoggerSpec",
    "Method",
    "MethodSpec",
    "MetricSpec",
    "NoOptions",
    "Problem",
    "Published",
    "PublishedMaps",
    "PublishedValue",
    "Quantity",
    "RunContext",
    "RunOutcome",
    "Selected",
    "SimulatedDataset",
    "Split",
    "StartedCell",
    "StoredDataset",
    "StudyOutcome",
    "StudySpec",
    "TorchMethod",
    "TrainingOptions",
    "evaluate",
    "gaussian_samples",
    "hookimpl",
    "leaderboard",
    "list_datasets",
    "list_methods",
    "list_metrics",
    "load_dataset",
    "load_model",
    "load_run",
    "run",
    "score",
    "study",
]

_HOMES = {
    "fwibench.api.catalogue": ("list_datasets", "list_methods", "list_metrics"),
    "fwibench.api.datasets": ("LoadedDataset", "load_dataset"),
    "fwibench.api.evaluate": ("evaluate",),
    "fwibench.api.evaluation": ("Evaluation",),
    "fwibench.api.model_files": ("LoadedModel", "load_model"),
    "fwibench.api.runs": ("RunOutcome", "leaderboard", "load_run", "run"),
    "fwibench.api.score": ("score",),
    "fwibench.api.studies": ("StudyOutcome", "study"),
    "fwibench.datasets.base": ("Dataset",),
    "fwibench.datasets.simulated": ("SimulatedDataset",),
    "fwibench.datasets.stored": ("StoredDataset",),
    "fwibench.methods.base": ("Method",),
    "fwibench.methods.complexity": ("Complexity", "Layer"),
    "fwibench.methods.context": ("RunContext",),
    "fwibench.methods.gaussian": ("gaussian_samples",),
    "fwibench.methods.iterative": ("IterativeMethod",),
    "fwibench.methods.torch_method": ("TorchMethod",),
    "fwibench.plugins.hookspecs": ("hookimpl",),
    "fwibench.problem": ("Frozen", "Problem"),
    "fwibench.runs.planning.request": ("Selected",),
    "fwibench.samples": ("Split",),
    "fwibench.specs.base": ("NoOptions",),
    "fwibench.specs.dataset": ("DatasetSpec", "PublishedMaps"),
    "fwibench.specs.dataset_options": ("DatasetOptions", "FilesOptions"),
    "fwibench.specs.exporter": ("ExporterSpec",),
    "fwibench.specs.importer": ("Imported", "ImporterSpec"),
    "fwibench.specs.logger": ("CellReport", "LoggerSpec", "StartedCell"),
    "fwibench.specs.method": ("MethodSpec", "Published", "TrainingOptions"),
    "fwibench.specs.metric": ("MetricSpec",),
    "fwibench.specs.study": ("Case", "Claim", "Effort", "PublishedValue", "Quantity", "StudySpec"),
}
"""Public names by module."""
_MODULES = {name: module for module, names in _HOMES.items() for name in names}

__all__ = sorted(_MODULES)


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_MODULES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
