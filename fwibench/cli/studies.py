"""Options that the commands of studies share."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from fwibench.cli.console.output import working
from fwibench.cli.options import Device
from fwibench.cli.options import Results as ResultsOption
from fwibench.cli.registry import open_studies
from fwibench.plugins.registry import Registry
from fwibench.runs.machine.devices import check_device
from fwibench.runs.planning.request import Request
from fwibench.specs.dataset import Profile
from fwibench.studies.planning import StudyPlan, find_studies, plan_studies
from fwibench.text.amounts import parse_duration, parse_jobs, parse_names
from fwibench.text.readable import as_utf8

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of a study, or of a collection such as paper.")]
Datasets = Annotated[
    str,
    typer.Option("--datasets", "-d", metavar="NAMES", help="Only the cases on these datasets, separated by commas."),
]
StudyProfile = Annotated[Profile, typer.Option(help="Size of data and training; a study sets its own work for each.")]


@dataclass(frozen=True)
class ChosenStudies:
    """Planned studies.

    Attributes:
        plans: The studies with their cells.
        request: What the cells have in common.
    """

    plans: list[StudyPlan]
    request: Request


def choose_studies(
    registry: Registry,
    name: Name,
    datasets: Datasets = "",
    profile: StudyProfile = "quick",
    seeds: Annotated[
        int | None, typer.Option(min=1, help="Number of repetitions; default: that of the study's profile.")
    ] = None,
    device: Device = "auto",
    time_limit: Annotated[str | None, typer.Option(help="Stop a cell after this time: 90s, 30m, 2h.")] = None,
    results: ResultsOption = Path("results"),
    force: Annotated[bool, typer.Option("--force", help="Run finished cells again.")] = False,
    jobs: Annotated[
        str, typer.Option(help="Number of cells that run side by side; auto: as many as cores, GPUs and memory allow.")
    ] = "1",
    cluster: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS|FILE",
            help="Run the cells on a Dask cluster: address of its scheduler, the file that it wrote, or a TOML file.",
        ),
    ] = "",
) -> ChosenStudies:
    """Plan the studies that the options select.

    Each argument after the registry is an option, described by its help text.

    Raises:
        UsageError: A name or a value is wrong.
    """
    check_device(device)
    request = Request(
        methods=(),
        datasets=(),
        profile=profile,
        device=device,
        time_limit=parse_duration(time_limit) if time_limit else None,
        results=results,
        force=force,
        jobs=parse_jobs(jobs),
        cluster=cluster,
        command=("fwibench", *map(as_utf8, sys.argv[1:])),
    )
    open_studies(registry)
    with working("planning"):
        plans = plan_studies(find_studies(registry, name), request, registry, parse_names(datasets), seeds)
    return ChosenStudies(plans, request)
