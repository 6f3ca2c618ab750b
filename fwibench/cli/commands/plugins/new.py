"""`plugins new`: a package to start from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fwibench.cli.console.output import console
from fwibench.cli.registry import open_registry
from fwibench.plugins.scaffold import Kind, write_package

TRY = {
    "method": "fwibench run --methods {name} --dataset salt --profile smoke",
    "dataset": "fwibench run --methods mean-map --dataset {name} --profile smoke",
    "metric": "fwibench run --methods mean-map --dataset salt --profile smoke --metrics {name}",
}
"""A command that uses what was written."""


def new(
    kind: Annotated[Kind, typer.Argument(help="What the plugin offers.")],
    name: Annotated[str, typer.Argument(help="Its name: small letters, digits and hyphens. So is the folder called.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="Where the folder is made.")] = Path(),
) -> None:
    """Write a plugin package that works as it is, to start from: a method, a dataset or a metric, with tests."""
    folder = output / name
    files = write_package(kind, name, output, open_registry())
    lines = [
        f"wrote {folder}, {len(files)} files",
        "next:",
        f"  pip install --editable {folder if folder.is_absolute() else Path('.', folder)}",
        f"  fwibench plugins check {name}",
        f"  {TRY[kind].format(name=name)}",
    ]
    console().print("\n".join(lines), markup=False, soft_wrap=True)
