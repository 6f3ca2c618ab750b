"""Requests of users as typed values; `grammar` parses the texts."""

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
"""Default of `max_cells`."""


class Selected(Frozen):
    """A selected method or dataset.

    Attributes:
        name: Name of the method or dataset.
        options: Options that differ from those of the profile; the plan validates them.
    """

    name: str
    options: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """Cells to run: every combination of method, dataset and seed, each also tested on further datasets.

    Attributes:
        methods: Methods with their options.
        datasets: Datasets with their options.
        test_on: Datasets to whose test samples the fitted models are applied, beyond that of each cell.
        split: Split scheme; None for the first of each dataset.
        seeds: Number of repetitions of each method that is not deterministic.
        first_seed: Number of the first repetition.
        profile: Size of data and training.
        test_samples: Number of test samples, spread evenly over the split; None for all.
        device: `auto`, `cpu`, `cuda` or `cuda:N`.
        settings: Options by method, for all cells of that method, including those that another method builds on.
        budget: Time that a fit by gradient descent takes [s]; None: its options set the length.
        time_limit: Time limit of a cell [s]; None for no limit.
        memory_limit: Memory that a process of a cell may allocate [bytes]; None for no limit.
        metrics: Names of metrics in addition to the default ones.
        results: Results folder.
        force: Whether finished cells are run again.
        max_cells: Largest number of cells that is planned.
        jobs: Number of cells that run side by side; None for as many as fit the machine.
        devices_per_cell: Number of devices that a cell trains on.
        cluster: Address of a Dask cluster, or a file that describes one; empty runs the cells on this machine.
        log: Destinations by name of the loggers that are switched on.
        command: Words of the command line, for the records; empty if the request comes from Python.
    """

    methods: tuple[Selected, ...]
    datasets: tuple[Selected, ...]
    test_on: tuple[Selected, ...] = ()
    split: str | None = None
    seeds: int = 1
    first_seed: int = 0
    profile: Profile = "quick"
    test_samples: int | None = None
    device: str = "auto"
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    budget: float | None = None
    time_limit: float | None = None
    memory_limit: int | None = None
    metrics: tuple[str, ...] = ()
    results: Path = Path("results")
    force: bool = False
    max_cells: int = MOST_CELLS
    jobs: int | None = 1
    devices_per_cell: int = 1
    cluster: str = ""
    log: Mapping[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = ()


def check_size(what: str, cells: int, most: int) -> None:
    """Check a number of cells before they are created.

    Args:
        what: What has these cells, for the message.
        cells: Number of cells.
        most: Largest accepted number.

    Raises:
        UsageError: There are more cells.
    """
    if cells > most:
        raise UsageError(f"{what} has {cells} cells, more than {most}", f"--max-cells {cells} lets it be planned")
