"""`data card`: describe a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fwibench.cli.console.output import console, print_table
from fwibench.cli.datasets import open_datasets
from fwibench.cli.options import DatasetProfile


def card(
    name: Annotated[str, typer.Argument(help="Name of a dataset, with its variant in brackets.")],
    profile: DatasetProfile = "quick",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write a page with pictures: FILE.html or FILE.md.")
    ] = None,
) -> None:
    """Describe a dataset: units, geometry, licence, splits, statistics, caveats and, in a file, a picture."""
    from fwibench.report.card.card import make_card, write_card

    for dataset in open_datasets(name, profile):
        made = make_card(dataset)
        if output is not None:
            write_card(made, dataset, output)
            console().print(f"wrote {output}", soft_wrap=True)
            continue
        console().print(f"{made.title}: {made.summary}", markup=False, soft_wrap=True)
        for heading, facts in made.sections.items():
            print_table(heading, ("", ""), [list(fact) for fact in facts if fact[1]])
        print_table("Maps", made.maps.header, [list(row) for row in made.maps.rows], right=made.maps.header[1:])
        for note in made.maps.notes:
            console().print(note, markup=False, soft_wrap=True)
        for caveat in made.caveats:
            console().print(f"- {caveat}", markup=False, soft_wrap=True)
