"""Options that several commands share, and how their texts are read."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from fwibench.cli.registry import open_registry
from fwibench.errors import DataError, UsageError
from fwibench.plugins.registry import Registry
from fwibench.runs.machine.devices import check_device
from fwibench.runs.planning.grammar import read_one, read_request
from fwibench.runs.planning.request import MOST_CELLS, Request
from fwibench.specs.dataset import Profile
from fwibench.text.readable import as_utf8

Results = Annotated[Path, typer.Option(help="Results folder.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
Exports = Annotated[
    list[Path] | None,
    typer.Option(
        "--export",
        metavar="FILE",
        help="Also write the leaderboard to FILE.csv, .json, .md, .tex, .html or .parquet. Repeatable.",
    ),
]
OnDataset = Annotated[str, typer.Option("--dataset", "-d", metavar="NAME", help="Only on this dataset.")]
OnSplit = Annotated[str, typer.Option("--split", metavar="NAME", help="Only with this split scheme.")]
OnProfile = Annotated[str, typer.Option("--profile", metavar="NAME", help="Only with this profile.")]
Published = Annotated[bool, typer.Option("--published", help="Also show published numbers, not ranked.")]
Located = Annotated[
    list[str] | None,
    typer.Option(
        "--dataset",
        "-d",
        metavar="NAME[path=FOLDER]",
        help="Folder of the original files of a dataset on this machine: flatvel-a[path=FOLDER]. Repeatable.",
    ),
]
Run = Annotated[str, typer.Argument(help="Name of a run, or a part of the name that no other run has.")]
Device = Annotated[str, typer.Option(help="Device to compute on: auto, cpu, cuda or cuda:N.")]
DatasetNames = Annotated[str, typer.Argument(metavar="NAME", help="Names of datasets, separated by commas.")]
DatasetProfile = Annotated[Profile, typer.Option(help="Profile; it sets the number of samples.")]
Tolerance = Annotated[
    float, typer.Option(min=0, help="Largest relative difference at which two scores count as equal.")
]
ForceOutput = Annotated[bool, typer.Option("--force", help="Replace output files that exist.")]


def build_request(
    registry: Registry,
    methods: Annotated[
        str,
        typer.Option(
            "--methods",
            "-m",
            help="Methods, separated by commas, with options in brackets: invlint[alpha=1|10],mean-map. "
            "Every value separated by | is a cell of its own.",
        ),
    ],
    dataset: Annotated[
        str,
        typer.Option("--dataset", "-d", help="Datasets, separated by commas, with options in brackets: salt[snr=10]."),
    ],
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
) -> Request:
    """Build the request of `run` and `plan` from their options.

    Each argument after the registry is an option, described by its help text.

    Raises:
        UsageError: A name, an option or a value is wrong.
    """
    check_device(device)
    return read_request(
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
        max_cells=max_cells,
        jobs=parse_jobs(jobs),
        devices_per_cell=devices_per_cell,
        cluster=cluster,
        command=("fwibench", *map(as_utf8, sys.argv[1:])),
    )


def check_results(results: Path) -> None:
    """Raise `DataError` unless the results folder exists."""
    if not results.is_dir():
        raise DataError(f"there is no folder {results}", "name the results folder with --results")


def read_located(registry: Registry, located: list[str] | None) -> dict[str, dict[str, Any]]:
    """Return the options of datasets that say where their files lie, by name of the dataset.

    Args:
        registry: Registry of the datasets.
        located: Values of `Located`.

    Raises:
        UsageError: A dataset or an option is unknown.
    """
    chosen = [read_one(registry, "dataset", text) for text in located or ()]
    return {one.name: one.options for one in chosen}


def with_options(build: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator of commands that adds the options of `build` in front of their own.

    Args:
        build: Called with the registry and the values of its options; the command receives its result and the registry.
    """
    shared = dict(list(inspect.signature(build, eval_str=True).parameters.items())[1:])

    def decorate(command: Callable[..., Any]) -> Callable[..., Any]:
        own = list(inspect.signature(command, eval_str=True).parameters.values())[2:]

        def wrapped(**values: Any) -> Any:
            registry = open_registry()
            built = build(registry, **{name: values.pop(name) for name in shared})
            return command(built, registry, **values)

        wrapped.__doc__ = command.__doc__
        wrapped.__name__ = command.__name__
        parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in (*shared.values(), *own)]
        wrapped.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
        wrapped.__annotations__ = {p.name: p.annotation for p in parameters}
        return wrapped

    return decorate


takes_request = with_options(build_request)
"""Adds the options of `build_request` to a command, which is called with request and registry."""


def parse_names(text: str) -> list[str]:
    """Return the names in a text that separates them by commas."""
    return [name.strip() for name in text.split(",") if name.strip()]


LEAST_MEMORY = 10**8
"""Smallest limit of memory: the interpreter with PyTorch takes more [bytes]."""


def parse_memory(text: str) -> int:
    """Return the bytes of an amount of memory such as `500MB` or `8GB`.

    Raises:
        UsageError: The text is not a number with one of these units, or less than `LEAST_MEMORY`.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(MB|GB)", text.strip(), re.IGNORECASE)
    size = round(float(match[1]) * {"MB": 1e6, "GB": 1e9}[match[2].upper()]) if match else 0
    if not LEAST_MEMORY <= size < 2**60:
        raise UsageError(f"'{text}' is not an amount of memory, expected 100MB or more, such as 500MB or 8GB")
    return size


def parse_jobs(text: str) -> int | None:
    """Return the number of cells that run side by side; None for `auto`.

    Raises:
        UsageError: The text is neither a number above 0 nor `auto`.
    """
    if text == "auto":
        return None
    if not text.isdecimal() or not 0 < int(text) <= MOST_JOBS:
        raise UsageError(f"--jobs is '{text}', expected a number from 1 to {MOST_JOBS}, or auto")
    return int(text)


MOST_JOBS = 1000
"""Largest number of cells at a time: each takes three processes, and systems have no more than some thousands."""
LONGEST_S = 1e8
"""Upper bound of a duration [s], about three years: timers of the operating system overflow at about a century."""


def parse_duration(text: str) -> float:
    """Return the seconds of a duration such as `90`, `90s`, `1.5m` or `2h`.

    Raises:
        UsageError: The text is not a positive number with one of these units, or exceeds `LONGEST_S`.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", text.strip())
    if match is None or not 0 < float(match[1]) < LONGEST_S:
        raise UsageError(
            f"'{text}' is not a time, expected a number above 0 with the unit s, m or h, such as 90s or 30m"
        )
    return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]
