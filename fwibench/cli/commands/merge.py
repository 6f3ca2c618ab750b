"""`merge`: several results folders in one."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from fwibench.cli.console.output import console, print_json, warn
from fwibench.cli.options import Json
from fwibench.runs.folders.merge import Rule
from fwibench.runs.folders.merge import merge as merge_folders


def merge(
    sources: Annotated[list[Path], typer.Argument(metavar="FOLDER...", help="Folders of results.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder that receives all runs; runs that it has take part.")
    ],
    duplicates: Annotated[
        Rule,
        typer.Option(help="Which record of a cell is kept, ok ones always first; refuse: stop if there are several."),
    ] = "newest",
    json: Json = False,
) -> None:
    """Join result folders of several machines in one; of a cell that several have, the newest ok record is kept."""
    done = merge_folders(sources, output, duplicates)
    for line in [*done.faults, *done.left, *(f"results differ of {line}" for line in done.differing)]:
        warn(line)
    if json:
        print_json(asdict(done))
    else:
        console().print(
            f"{done.runs} runs in {output}, {done.copied} of them copied; {done.duplicates} duplicates, "
            f"{len(done.differing)} of them with other results",
            markup=False,
            soft_wrap=True,
        )
    if done.left:
        raise typer.Exit(1)
