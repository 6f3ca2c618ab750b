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
        DataError: The samples are not on this machine, or are others than those of the cell.
        UsageError: The dataset is not installed, or does not accept the options.
    """
    chosen = cell.scored_on
    options = {**chosen.dataset_options, **located.get(chosen.dataset, {})}
    dataset = build_dataset(registry, chosen.model_copy(update={"dataset_options": options}), cell.profile)
    if dataset.fingerprint != chosen.fingerprint:
        raise DataError(
            f"{chosen.variant} ({cell.profile}) has the fingerprint {dataset.fingerprint[:12]} on this machine, "
            f"{chosen.fingerprint[:12]} in the result: other samples or another version of the dataset",
            f"--dataset '{chosen.dataset}[path=FOLDER]' names the folder of original files; otherwise run the method "
            "again with this version",
        )
    if not dataset.prepared():
        raise DataError(
            f"the samples of {chosen.variant} ({cell.profile}) are not on this machine",
            f"fwibench data prepare '{chosen.variant}' --profile {cell.profile}",
        )
    return Truth(dataset, scored_split(dataset, cell), dataset.measured_problem)
