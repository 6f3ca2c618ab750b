"""The options of `run` and `plan`, and the request that they describe.

Other commands do not import it: it needs the rooms that plan.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from fwibench.cli.console.output import warn
from fwibench.cli.options import Device, Results, is_given, with_options
from fwibench.plugins.registry import Registry
from fwibench.runs.machine.devices import check_device
from fwibench.runs.planning.experiment import KEYS, make_request, read_experiment
from fwibench.runs.planning.grammar import parse_log, read_request
from fwibench.runs.planning.request import MOST_CELLS, Request
from fwibench.specs.dataset import Profile
from fwibench.text.amounts import parse_duration, parse_jobs, parse_memory, parse_names
from fwibench.text.readable import as_utf8

Save = Annotated[
    Path | None,
    typer.Option(
        "--save",
        metavar="FILE",
        help="Also write the request as a TOML file for --from; a file with other content is not replaced.",
    ),
]


def build_request(
    registry: Registry,
    context: typer.Context,
    from_: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="FILE", help="TOML file of these options; options of the command line override it."
        ),
    ] = None,
    methods: Annotated[
        str,
        typer.Option(
            "--methods",
            "-m",
            help="Methods, separated by commas, with options in brackets: invlint[alpha=1|10],mean-map. "
            "Every value separated by | is a cell of its own. Needed without --from.",
        ),
    ] = "",
    dataset: Annotated[
        str,
        typer.Option(
            "--dataset",
            "-d",
            help="Datasets, separated by commas, with options in brackets: salt[snr=10]. Needed without --from.",
        ),
    ] = "",
    test_on: Annotated[
        str | None,
        typer.Option(
            help="Also apply each fitted model to the test samples of these datasets, written as those of --dataset."
        ),
    ] = None,
    split: Annotated[str | None, typer.Option(help="Split scheme; default: the first of each dataset.")] = None,
    seeds: Annotated[int, typer.Option(help="Number of repetitions of each method that has a random seed.")] = 1,
    first_seed: Annotated[
        int, typer.Option(help="Number of the first repetition: --first-seed 2 continues after --seeds 2.")
    ] = 0,
    profile: Annotated[
        Profile,
        typer.Option(
            help="Size of data and training: smoke (seconds), quick (minutes on a CPU), paper (the published recipe)."
        ),
    ] = "quick",
    test_samples: Annotated[
        int | None, typer.Option(help="Number of test samples, spread evenly over the split; default: all.")
    ] = None,
    device: Device = "auto",
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="Set an option of a method: invlint.alpha=10. Repeatable.")
    ] = None,
    budget: Annotated[
        str | None,
        typer.Option(
            help="Train every network for this time: 90s, 30m, 2h. It takes the place of epochs, min_batches and "
            "max_batches; other methods ignore it."
        ),
    ] = None,
    time_limit: Annotated[str | None, typer.Option(help="Stop a cell after this time: 90s, 30m, 2h.")] = None,
    memory_limit: Annotated[
        str | None, typer.Option(help="Let a cell fail that allocates more memory: 500MB, 8GB. On Linux.")
    ] = None,
    metrics: Annotated[str, typer.Option(help="Compute these metrics too, separated by commas.")] = "",
    results: Results = Path("results"),
    force: Annotated[bool, typer.Option("--force", help="Run finished cells again.")] = False,
    max_cells: Annotated[int, typer.Option(min=1, help="Largest number of cells to plan.")] = MOST_CELLS,
    jobs: Annotated[
        str, typer.Option(help="Number of cells that run side by side; auto: as many as cores, GPUs and memory allow.")
    ] = "1",
    devices_per_cell: Annotated[int, typer.Option(help="Number of GPUs that a cell trains on.")] = 1,
    cluster: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS|FILE",
            help="Run the cells on a Dask cluster: address of its scheduler, the file that it wrote, or a TOML file.",
        ),
    ] = "",
    log: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME:DESTINATION",
            help="Send losses and scores to a logger while cells run: tensorboard:FOLDER, mlflow:ADDRESS. Repeatable.",
        ),
    ] = None,
) -> Request:
    """Build the request of `run` and `plan` from their options, and from an experiment file.

    Each argument after the context of the command is an option, described by its help text.

    Raises:
        UsageError: A name, an option or a value is wrong.
    """
    check_device(device)
    experiment = read_experiment(from_, registry) if from_ else {}
    given = {"datasets" if name == "dataset" else name for name in context.params if is_given(context, name)}
    most = max_cells if "max_cells" in given else experiment.get("max_cells", max_cells)
    asked = read_request(
        registry,
        methods,
        dataset,
        settings or (),
        test_on,
        split=split,
        seeds=seeds,
        first_seed=first_seed,
        profile=profile,
        test_samples=test_samples,
        device=device,
        budget=parse_duration(budget) if budget else None,
        time_limit=parse_duration(time_limit) if time_limit else None,
        memory_limit=parse_memory(memory_limit) if memory_limit else None,
        metrics=tuple(parse_names(metrics)),
        results=results,
        force=force,
        max_cells=most,
        jobs=parse_jobs(jobs),
        devices_per_cell=devices_per_cell,
        cluster=cluster,
        log=parse_log(log or ()),
    )
    changes = {name: one for name, one in vars(asked).items() if name in given}
    if replaced := [key for key, name in KEYS.items() if name in changes and name in experiment]:
        warn(f"{from_}: the command line replaces {', '.join(replaced)}")
    request = make_request(experiment, changes, registry)
    return replace(request, command=("fwibench", *map(as_utf8, sys.argv[1:])))


takes_request = with_options(build_request)
"""Adds the options of `build_request` to a command, which is called with request and registry."""
