"""`plugins new`: create a plugin package."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fwibench.cli.console.output import print_line
from fwibench.cli.registry import open_registry
from fwibench.plugins.scaffold import Kind, write_package

TRY = {
    "method": "fwibench run --methods {name} --dataset salt --profile smoke",
    "dataset": "fwibench run --methods mean-map --dataset {name} --profile smoke",
    "metric": "fwibench run --methods mean-map --dataset salt --profile smoke --metrics {name}",
    "study": "fwibench study run {name} --profile smoke",
}
"""A command that uses the new plugin, by kind."""


def new(
    kind: Annotated[Kind, typer.Argument(help="Kind of object that the plugin offers.")],
    name: Annotated[
        str, typer.Argument(help="Name of the object and of the folder: lower-case letters, digits and hyphens.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Folder in which the package is created.")
    ] = Path(),
) -> None:
    """Create a working plugin package with tests, as a start for a method, dataset, metric or study."""
    folder = output / name
    files = write_package(kind, name, output, open_registry())
    lines = [
        f"wrote {folder}, {len(files)} files",
        "next:",
        f"  pip install --editable {folder if folder.is_absolute() else Path('.', folder)}",
        f"  fwibench plugins check {name}",
        f"  {TRY[kind].format(name=name)}",
    ]
    print_line("\n".join(lines))
