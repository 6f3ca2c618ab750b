"""The options that several commands share."""

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
from fwibench.runs.machine.devices import check_device as check_device
from fwibench.runs.planning.grammar import read_request
from fwibench.runs.planning.request import MOST_CELLS, Request
from fwibench.specs.dataset import Profile
from fwibench.text.readable import as_utf8

Results = Annotated[Path, typer.Option(help="Folder of the results.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
Exports = Annotated[
    list[Path] | None,
    typer.Option("--export", metavar="FILE", help="Write to FILE.csv, .json, .md, .tex, .html, .parquet; repeatable."),
]
Run = Annotated[str, typer.Argument(help="Name of a run, or a part of it that fits no other.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")]
DatasetNames = Annotated[str, typer.Argument(metavar="NAME", help="Names of datasets, separated by commas.")]
DatasetProfile = Annotated[Profile, typer.Option(help="Decides the number of samples.")]


def build_request(
    registry: Registry,
    methods: Annotated[str, typer.Option("--methods", "-m", help="Names, with options: invlint[alpha=1|10],mean-map.")],
    dataset: Annotated[str, typer.Option("--dataset", "-d", help="Names of datasets, separated by commas.")],
    split: Annotated[str | None, typer.Option(help="Split scheme; each dataset's first by default.")] = None,
    seeds: Annotated[int, typer.Option(help="Repetitions of every method that has a seed.")] = 1,
    first_seed: Annotated[int, typer.Option(help="Number of the first repetition: 2 goes on after --seeds 2.")] = 0,
    profile: Annotated[
        Profile, typer.Option(help="How much work: seconds, minutes on a CPU, the published recipe.")
    ] = "quick",
    test_samples: Annotated[
        int | None, typer.Option(help="Only so many test samples, spread evenly over the split.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")] = "auto",
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="An option of a method: invlint.alpha=10.")
    ] = None,
    time_limit: Annotated[str | None, typer.Option(help="Kill a cell after this time: 90s, 30m, 2h.")] = None,
    metrics: Annotated[str, typer.Option(help="Metrics beyond the default ones, separated by commas.")] = "",
    results: Results = Path("results"),
    force: Annotated[bool, typer.Option("--force", help="Run finished cells again.")] = False,
    max_cells: Annotated[int, typer.Option(min=1, help="Refuse to plan more cells than this.")] = MOST_CELLS,
) -> Request:
    """Checks and collects the options."""
    check_device(device)
    return read_request(
        registry,
        methods,
        dataset,
        settings or (),
        split=split,
        seeds=seeds,
        first_seed=first_seed,
        profile=profile,
        test_samples=test_samples,
        device=device,
        time_limit=parse_duration(time_limit) if time_limit else None,
        metrics=tuple(name.strip() for name in metrics.split(",") if name.strip()),
        results=results,
        force=force,
        max_cells=max_cells,
        command=("fwibench", *map(as_utf8, sys.argv[1:])),
    )


def check_results(results: Path) -> None:
    """Raises `DataError` unless there is a folder of results."""
    if not results.is_dir():
        raise DataError(f"there is no folder {results}, expected one of results", "--results names it")


def takes_request(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of `build_request` in front of its own; it receives request and registry."""
    shared = dict(list(inspect.signature(build_request, eval_str=True).parameters.items())[1:])
    own = list(inspect.signature(command, eval_str=True).parameters.values())[2:]

    def wrapped(**values: Any) -> Any:
        registry = open_registry()
        request = build_request(registry, **{name: values.pop(name) for name in shared})
        return command(request, registry, **values)

    wrapped.__doc__ = command.__doc__
    wrapped.__name__ = command.__name__
    parameters = [p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in (*shared.values(), *own)]
    wrapped.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    wrapped.__annotations__ = {p.name: p.annotation for p in parameters}
    return wrapped


LONGEST_S = 1e8
"""About three years; a clock of the system cannot wait much longer than a century."""


def parse_duration(text: str) -> float:
    """`90`, `90s`, `1.5m` or `2h` to seconds."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smh]?)", text.strip())
    if match is None or not 0 < float(match[1]) < LONGEST_S:
        raise UsageError(f"'{text}' is not a time, expected a number above 0 with s, m or h, like 90s or 30m")
    return float(match[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[match[2]]
