"""`diff`: differences between two results folders."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from fwibench.cli.console.output import print_json, print_line, print_table
from fwibench.cli.options import Json, Tolerance
from fwibench.cli.records import read_records
from fwibench.runs.artefacts.differences import TOLERANCE, find_differences
from fwibench.runs.artefacts.results import Results
from fwibench.text.readable import show_number


def diff(
    first: Annotated[Path, typer.Argument(help="Results folder.")],
    second: Annotated[Path, typer.Argument(help="Results folder to compare with.")],
    tolerance: Tolerance = TOLERANCE,
    json: Json = False,
) -> None:
    """Compare the cells, status and scores of two results folders; exit code 1 if they differ."""
    found = find_differences(read_records(Results(first)), read_records(Results(second)), tolerance)
    if json:
        changes = [{**asdict(one), "size": one.size, "relative": one.relative} for one in found.changes]
        print_json({**asdict(found), "changes": changes, "equal": found.equal})
    else:
        for folder, runs in ((first, found.only_first), (second, found.only_second)):
            if runs:
                print_table(f"only in {folder}", ("run",), [[run] for run in runs])
        if found.changes:
            numbers = ("first", "second", "difference", "relative")
            rows = [
                [
                    one.run,
                    one.what,
                    *(_text(value) for value in (one.first, one.second, one.size)),
                    "" if one.relative is None else f"{one.relative:+.2e}",
                ]
                for one in found.changes
            ]
            print_table("in both, different", ("run", "what", *numbers), rows, right=numbers)
        cells = {0: "no cell is", 1: "1 cell is"}.get(found.same, f"{found.same} cells are")
        print_line(f"{cells} the same in both")
    if not found.equal:
        raise typer.Exit(1)


def _text(value: str | float | None) -> str:
    return show_number(value, 6) if isinstance(value, float) else value or ""
