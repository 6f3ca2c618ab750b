"""The parts of fwibench that the pages describe.

This is the only module of the documentation that imports from inside fwibench, so a module that moves is renamed here
and nowhere else.
"""

from __future__ import annotations

import inspect
import os
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import fwibench
import fwibench.typing
from fwibench import (
    Case,
    CellReport,
    Claim,
    Complexity,
    Dataset,
    DatasetOptions,
    DatasetSpec,
    Effort,
    ExporterSpec,
    FilesOptions,
    Imported,
    ImporterSpec,
    IterativeMethod,
    Layer,
    LoggerSpec,
    Method,
    MethodSpec,
    MetricSpec,
    NoOptions,
    Published,
    PublishedMaps,
    PublishedValue,
    Quantity,
    RunContext,
    SimulatedDataset,
    Split,
    StartedCell,
    StoredDataset,
    StudySpec,
    TorchMethod,
    TrainingOptions,
    gaussian_samples,
    problem,
    testing,
)
from fwibench.api.evaluate import EvaluationSettings
from fwibench.api.runs import RunSettings
from fwibench.boards.columns import columns_of
from fwibench.boards.rows import Column
from fwibench.cli.app import app
from fwibench.datasets.details import describe_problem, describe_splits
from fwibench.plugins import hookspecs, settings
from fwibench.plugins.loading import PREFIX
from fwibench.plugins.registry import Registry, load_registry
from fwibench.report.canvas import render
from fwibench.report.card.card import make_card
from fwibench.report.pictures import samples_figure
from fwibench.report.study.files import write_exports
from fwibench.runs.artefacts.results import Results
from fwibench.runs.opening.datasets import open_dataset
from fwibench.runs.planning.request import Request
from fwibench.specs.base import Spec
from fwibench.specs.dataset import PROFILES, Profile
from fwibench.studies.claims import judge
from fwibench.studies.planning import plan_studies
from fwibench.studies.printed import printed_numbers
from fwibench.studies.results import StudyResults, read_results
from fwibench.testing.runner import CHECKS

__all__ = [
    "CHECKS",
    "PROFILES",
    "Dataset",
    "DatasetSpec",
    "MethodSpec",
    "MetricSpec",
    "Profile",
    "Published",
    "StudyResults",
    "StudySpec",
    "app",
    "built_in",
    "describe_problem",
    "describe_splits",
    "documented_name",
    "hooks",
    "judge",
    "leaderboard_columns",
    "make_card",
    "open_built_in",
    "printed_numbers",
    "reference_groups",
    "render",
    "samples_figure",
    "study_results",
    "type_aliases",
    "write_study_page",
]


@cache
def built_in() -> Registry:
    """Return the registry of what comes with fwibench, whatever else is installed on this machine."""
    # datasets that the user has added are listed in the data folder
    no_data = f"{tempfile.gettempdir()}/fwibench-docs-without-data"
    with mock.patch.dict(os.environ, {settings.OWN_ONLY: "1", "FWIBENCH_DATA": no_data}):
        return load_registry()


def open_built_in(name: str, profile: Profile) -> Dataset:
    """Return a built-in dataset without reading any data."""
    return open_dataset(built_in(), name, profile)


def study_results(results: Path) -> list[StudyResults]:
    """Return what is finished of all built-in studies with profile `quick`.

    Args:
        results: Results folder.
    """
    registry = built_in()
    request = Request(methods=(), datasets=(), profile="quick", results=results)
    plans = plan_studies([offer.spec for offer in registry.studies.values()], request, registry)
    return [read_results(plan, Results(results), columns_of(registry)) for plan in plans]


def write_study_page(study: StudyResults, path: Path, results: Path) -> list[Path]:
    """Write the page of a study, with its figures beside it, and return all files that were written.

    Args:
        study: Results of the study.
        path: The page, a Markdown file.
        results: Results folder.
    """
    return write_exports(study, [path], Results(results), built_in())


def leaderboard_columns() -> list[Column]:
    """Return the columns that every leaderboard has, in their order."""
    columns = columns_of(built_in())
    return [column for column in columns if column.key not in columns.further]


def hooks() -> list[Callable[..., Any]]:
    """Return the functions that declare the hooks."""
    return [value for name, value in vars(hookspecs).items() if name.startswith(PREFIX)]


def documented_name(thing: Any) -> str:
    """Return the name by which the reference shows an object: the public one, where there is one.

    Args:
        thing: A class or function.

    Returns:
        `fwibench.NAME` or `fwibench.testing.NAME` for a public name, else the path of the object's module.
    """
    name: str = thing.__name__
    for module in (fwibench, testing):
        if name in module.__all__ and getattr(module, name) is thing:
            return f"{module.__name__}.{name}"
    return f"{thing.__module__}.{name}"


def reference_groups() -> dict[str, list[Any]]:
    """Return classes and functions by the page of the reference that shows them.

    Public names that no other page shows are on the page `python`.
    """
    parts = [value for value in vars(problem).values() if _is_defined_in(value, problem.__name__)]
    # the whole before its parts
    parts.sort(key=lambda part: part is not problem.Problem)
    groups: dict[str, list[Any]] = {
        "specs": [
            Spec,
            MethodSpec,
            DatasetSpec,
            MetricSpec,
            ExporterSpec,
            ImporterSpec,
            Imported,
            LoggerSpec,
            StartedCell,
            CellReport,
            StudySpec,
            Case,
            Quantity,
            PublishedValue,
            Claim,
            Effort,
            Published,
            PublishedMaps,
            NoOptions,
            TrainingOptions,
            DatasetOptions,
            FilesOptions,
        ],
        "methods": [Method, TorchMethod, IterativeMethod, RunContext, Complexity, Layer, gaussian_samples],
        "datasets": [Dataset, StoredDataset, SimulatedDataset, Split],
        "problem": parts,
        "testing": [getattr(testing, name) for name in testing.__all__],
    }
    shown = [thing for group in groups.values() for thing in group]
    public = [getattr(fwibench, name) for name in fwibench.__all__]
    python = [one for one in public if one not in shown and (inspect.isclass(one) or inspect.isfunction(one))]
    # functions first, then what they take and return
    python.sort(key=inspect.isclass)
    return {"python": [*python, RunSettings, EvaluationSettings], **groups}


def type_aliases() -> dict[str, str]:
    """Return the names of array types, which the reference shows instead of what they stand for."""
    return {name: name for name in vars(fwibench.typing) if name[:1].isupper() and name != "NDArray"}


def _is_defined_in(value: Any, module: str) -> bool:
    return inspect.isclass(value) and value.__module__ == module and not value.__name__.startswith("_")
