"""Options that several commands share."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from fwibench.cli.registry import open_registry
from fwibench.errors import DataError
from fwibench.specs.dataset import Profile

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
Run = Annotated[str, typer.Argument(help="Name of a run, or a part of the name that no other run has.")]
Device = Annotated[str, typer.Option(help="Device to compute on: auto, cpu, cuda or cuda:N.")]
DatasetNames = Annotated[str, typer.Argument(metavar="NAME", help="Names of datasets, separated by commas.")]
DatasetProfile = Annotated[Profile, typer.Option(help="Profile; it sets the number of samples.")]
Tolerance = Annotated[
    float, typer.Option(min=0, help="Largest relative difference at which two scores count as equal.")
]
ForceOutput = Annotated[bool, typer.Option("--force", help="Replace output files that exist.")]


def is_given(context: typer.Context, name: str) -> bool:
    """Return whether the user gives a parameter of a command."""
    source = context.get_parameter_source(name)
    return source is not None and source.name != "DEFAULT"


def check_results(results: Path) -> None:
    """Raise `DataError` unless the results folder exists."""
    if not results.is_dir():
        raise DataError(f"there is no folder {results}", "name the results folder with --results")


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
