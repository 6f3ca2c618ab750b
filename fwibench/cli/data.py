"""`data prepare` and `data verify`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from fwibench.cli.apps import App
from fwibench.cli.output import console, open_registry, print_table, warn
from fwibench.cli.progress import make_listener
from fwibench.errors import DataError
from fwibench.runs.opening.datasets import open_dataset
from fwibench.runs.planning.grammar import parse_selection
from fwibench.specs.dataset import Profile
from fwibench.text.readable import show_seconds

if TYPE_CHECKING:
    from fwibench.datasets.agreement import Agreement
    from fwibench.datasets.base import Dataset, Estimate

Names = Annotated[str, typer.Argument(metavar="NAME", help="Names of datasets, separated by commas.")]
ProfileOption = Annotated[Profile, typer.Option(help="Decides the number of samples.")]

data = App(help="Make and check datasets.")


@data.command()
def prepare(name: Names, profile: ProfileOption = "quick") -> None:
    """Make the samples that are missing; what is there is kept."""
    for dataset in _open(name, profile):
        if estimate := dataset.estimate():
            console().print(_announce(dataset, estimate), soft_wrap=True)
        start = time.monotonic()
        with make_listener() as listener:
            dataset.prepare(partial(listener.preparing, dataset))
        took = show_seconds(time.monotonic() - start)
        console().print(f"{dataset.spec.name}: {dataset.size} samples in {dataset.folder}, {took}", soft_wrap=True)
        for doubt in dataset.doubts():
            warn(doubt)


@data.command()
def verify(name: Names, profile: ProfileOption = "quick") -> None:
    """Check files, hashes and values, and simulate samples again: do stored shots agree with the physics?"""
    faults, repairs = [], []
    for dataset in _open(name, profile):
        found = dataset.verify()
        agreements = [] if found else dataset.check_physics()
        print_agreements(f"{dataset.spec.name} ({dataset.source}): stored and simulated again", agreements)
        differing = [
            f"measurement {one.number} differs from what its map gives by {one.residual:.1e} in relative L2, "
            f"expected {dataset.tolerance:g} or less"
            for one in agreements
            if not one.residual <= dataset.tolerance
        ]
        faults += [f"{dataset.spec.name}: {fault}" for fault in (*found, *differing)]
        repairs += [dataset.repair] * bool(found) + [dataset.repair_physics] * bool(differing)
        for doubt in [] if found else dataset.warnings():
            warn(f"{dataset.spec.name}: {doubt.removeprefix('warning: ')}")
    if faults:
        raise DataError("; ".join(faults), "; ".join(dict.fromkeys(repairs)))
    console().print("all is well")


@data.command()
def card(
    name: Annotated[str, typer.Argument(help="Name of a dataset, with its variant in brackets.")],
    profile: ProfileOption = "quick",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write a page with pictures: FILE.html or FILE.md.")
    ] = None,
) -> None:
    """Describe a dataset: units, geometry, licence, splits, statistics, caveats and, in a file, a picture."""
    from fwibench.report.card import make_card, write_card

    for dataset in _open(name, profile):
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


def _announce(dataset: Dataset, estimate: Estimate) -> str:
    return (
        f"{dataset.spec.name}: {estimate.samples} samples to make, {estimate.size / 1e9:.2g} GB in {dataset.folder}, "
        f"about {show_seconds(estimate.seconds)}"
    )


def print_agreements(title: str, agreements: Sequence[Agreement]) -> None:
    """A line for each sample that was compared with a simulation; nothing where there are none."""
    if not agreements:
        return
    header = ("sample", "correlation", "scale", "delay [samples]", "residual")
    rows = [
        [
            str(one.number),
            f"{one.correlation:.5f}",
            f"{one.scale:.5g}",
            "" if one.delay is None else f"{one.delay:+.2f}",
            f"{one.residual:.1e}",
        ]
        for one in agreements
    ]
    print_table(title, header, rows, right=header)


def _open(names: str, profile: Profile) -> list[Dataset]:
    registry = open_registry()
    return [open_dataset(registry, item.name, profile, item.options) for item in parse_selection(names)]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.add_typer(data, name="data")
