"""`data card`: the description of a dataset."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fwibench.cli.console.output import print_line, print_table
from fwibench.cli.datasets import open_datasets
from fwibench.cli.options import DatasetProfile


def card(
    name: Annotated[str, typer.Argument(help="Name of a dataset, with options in brackets: salt[snr=10].")],
    profile: DatasetProfile = "quick",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the card with figures to FILE.html or FILE.md.")
    ] = None,
) -> None:
    """Describe a dataset: units, geometry, licence, splits, statistics and caveats; a file also shows samples."""
    from fwibench.report.card.card import make_card, write_card

    for dataset in open_datasets(name, profile):
        made = make_card(dataset)
        if output is not None:
            write_card(made, dataset, output)
            print_line(f"wrote {output}")
            continue
        print_line(f"{made.title}: {made.summary}")
        for heading, facts in made.sections.items():
            print_table(heading, ("", ""), [list(fact) for fact in facts if fact[1]])
        print_table("Maps", made.maps.header, [list(row) for row in made.maps.rows], right=made.maps.header[1:])
        for note in made.maps.notes:
            print_line(note)
        for caveat in made.caveats:
            print_line(f"- {caveat}")
