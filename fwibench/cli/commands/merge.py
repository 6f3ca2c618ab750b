"""`merge`: join results folders."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from fwibench.cli.console.output import print_json, print_line, warn
from fwibench.cli.options import Json
from fwibench.runs.folders.merge import Rule
from fwibench.runs.folders.merge import merge as merge_folders


def merge(
    sources: Annotated[list[Path], typer.Argument(metavar="FOLDER...", help="Results folders to join.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Results folder that receives all runs; its own runs are included.")
    ],
    duplicates: Annotated[
        Rule,
        typer.Option(
            help="Record of a cell to keep; those with status ok have priority. refuse: stop if there are several."
        ),
    ] = "newest",
    json: Json = False,
) -> None:
    """Join results folders, such as those of several machines; the newest ok record of each cell is kept by default."""
    done = merge_folders(sources, output, duplicates)
    for line in [*done.faults, *done.left, *(f"results differ: {line}" for line in done.differing)]:
        warn(line)
    if json:
        print_json(asdict(done))
    else:
        print_line(
            f"{done.runs} runs in {output}, {done.copied} of them copied; {done.duplicates} duplicates, "
            f"{len(done.differing)} of them with different results"
        )
    if done.left:
        raise typer.Exit(1)
