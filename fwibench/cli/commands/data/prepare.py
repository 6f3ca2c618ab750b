"""`data prepare`: make the samples of datasets."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from fwibench.api.progress import make_listener
from fwibench.cli.console.output import errors, print_line, warn
from fwibench.cli.datasets import open_datasets
from fwibench.cli.options import DatasetNames, DatasetProfile
from fwibench.runs.machine.devices import check_device, find_device, select_device
from fwibench.runs.processes.helpers import helpers
from fwibench.text.readable import show_seconds

if TYPE_CHECKING:
    from fwibench.datasets.base import Dataset, Estimate


def prepare(
    name: DatasetNames,
    profile: DatasetProfile = "quick",
    device: Annotated[
        str,
        typer.Option(
            help="Device to simulate on: cpu, cuda or cuda:N; auto is cpu. A GPU gives the same samples up to rounding."
        ),
    ] = "auto",
    jobs: Annotated[
        int,
        typer.Option(
            min=1,
            help="Number of processes that share the work. Several keep a GPU busy, which one process cannot: it draws "
            "the maps on one core.",
        ),
    ] = 1,
) -> None:
    """Make the missing samples of datasets; existing samples are kept."""
    check_device(device)
    chosen = "cpu" if device in ("auto", "cpu") else find_device(device)
    select_device(chosen)
    command = ["data", "prepare", name, "--profile", profile, "--device", chosen]
    for dataset in open_datasets(name, profile):
        suitable = chosen.partition(":")[0] in dataset.devices
        if suitable:
            dataset.device = chosen
        if estimate := dataset.estimate():
            print_line(_announce(dataset, estimate))
            if not suitable:
                warn(f"{dataset.spec.name} is made on the CPU: its samples cannot be simulated on a GPU")
        start = time.monotonic()
        others = jobs if estimate else 1
        with helpers(others, command), make_listener(errors()) as listener:
            dataset.prepare(partial(listener.preparing, dataset))
        took = show_seconds(time.monotonic() - start)
        print_line(f"{dataset.spec.name}: {dataset.size} samples in {dataset.folder}, {took}")
        for doubt in dataset.doubts():
            warn(doubt)


def _announce(dataset: Dataset, estimate: Estimate) -> str:
    return (
        f"{dataset.spec.name}: {estimate.samples} samples to make, {estimate.size / 1e9:.2g} GB in {dataset.folder}, "
        f"about {show_seconds(estimate.seconds)}{'' if dataset.device == 'cpu' else f' on {dataset.device}'}"
    )
