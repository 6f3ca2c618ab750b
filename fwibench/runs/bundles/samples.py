"""The test samples of an entry, from the dataset on this machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fwibench.errors import DataError
from fwibench.plugins.registry import Registry
from fwibench.problem import Problem
from fwibench.runs.artefacts.cell import Cell
from fwibench.runs.opening.datasets import build_dataset, scored_split
from fwibench.samples import Split

if TYPE_CHECKING:
    from fwibench.datasets.base import Dataset

Located = Mapping[str, Mapping[str, Any]]
"""Options of datasets that say where their files lie on this machine, by name of the dataset."""


class AbsentError(DataError):
    """A dataset, or its samples, are not on this machine."""


@dataclass(frozen=True)
class Truth:
    """The test samples of a cell.

    Attributes:
        dataset: Their dataset.
        test: The samples, in the order in which they are predicted.
        problem: Problem of the dataset.
    """

    dataset: Dataset
    test: Split
    problem: Problem


def open_truth(cell: Cell, registry: Registry, located: Located) -> Truth:
    """Open the test samples that a cell is scored on.

    Args:
        cell: The cell.
        registry: Registry of the datasets.
        located: See `Located`.

    Raises:
        AbsentError: Dataset or samples are not on this machine.
        DataError: They are others than those of the cell.
        UsageError: The dataset does not accept the options, or has no such split.
    """
    chosen = cell.scored_on
    if chosen.dataset not in registry.datasets:
        raise AbsentError(f"dataset {chosen.dataset} is not installed", "install its plugin, or add it: data add")
    options = {**chosen.dataset_options, **located.get(chosen.dataset, {})}
    dataset = build_dataset(registry, chosen.model_copy(update={"dataset_options": options}), cell.profile)
    if dataset.fingerprint != chosen.fingerprint:
        raise DataError(
            f"{chosen.variant} ({cell.profile}) has the fingerprint {dataset.fingerprint[:12]} on this machine, "
            f"{chosen.fingerprint[:12]} in the result: other samples or another version of the dataset",
            f"--dataset '{chosen.dataset}[path=FOLDER]' names the folder of original files; otherwise run the method "
            "again with this version",
        )
    try:
        dataset.check()
    except DataError as error:
        raise AbsentError(error.message, error.hint) from error
    return Truth(dataset, scored_split(dataset, cell), dataset.measured_problem)
