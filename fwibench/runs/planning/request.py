"""What a user asks for, as values; texts are read by `grammar`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import Field

from fwibench.errors import UsageError
from fwibench.problem import Frozen
from fwibench.specs.dataset import Profile

MOST_CELLS = 1000
"""Cells that are planned unless `max_cells` allows more."""


class Selected(Frozen):
    """A method or dataset with options that differ from the profile's.

    Attributes:
        name: Of the method or dataset.
        options: Values by option; the plan validates them.
    """

    name: str
    options: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """What is to be run; every combination of method, dataset and seed is a cell.

    Attributes:
        methods: Methods with their options.
        datasets: Datasets with their options.
        split: Split scheme; None for the first of each dataset.
        seeds: Repetitions of each method that has a random seed.
        first_seed: Number of the first repetition.
        profile: Size of data and training.
        test_samples: Number of test samples, spread evenly over the split; None for all.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        settings: Options by method, for all cells of that method, also where another method builds on it.
        time_limit: Time limit of a cell [s]; None for no limit.
        metrics: Names of metrics beyond the default ones.
        results: Results folder.
        force: Whether finished cells are run again.
        max_cells: Largest number of cells that is planned.
        command: Words of the command that asks for it, for the records; empty where no command does.
    """

    methods: tuple[Selected, ...]
    datasets: tuple[Selected, ...]
    split: str | None = None
    seeds: int = 1
    first_seed: int = 0
    profile: Profile = "quick"
    test_samples: int | None = None
    device: str = "auto"
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    time_limit: float | None = None
    metrics: tuple[str, ...] = ()
    results: Path = Path("results")
    force: bool = False
    max_cells: int = MOST_CELLS
    command: tuple[str, ...] = ()


def check_size(what: str, cells: int, most: int) -> None:
    """Raise `UsageError` for more cells than the user has agreed to; asked before they are made.

    Args:
        what: Whose cells these are, for the message.
        cells: Number of cells.
        most: Largest number that is planned.
    """
    if cells > most:
        raise UsageError(f"{what} has {cells} cells, more than {most}", f"--max-cells {cells} lets it be planned")
