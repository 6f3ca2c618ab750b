"""`data prepare` and `data verify`."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from fwibench.cli.output import console, open_registry, show_seconds
from fwibench.cli.progress import make_listener
from fwibench.datasets.spec import Profile
from fwibench.errors import DataError
from fwibench.runs.plan import open_dataset
from fwibench.runs.selection import parse_selection

if TYPE_CHECKING:
    from fwibench.datasets.dataset import Dataset

Names = Annotated[str, typer.Argument(metavar="NAME", help="Names of datasets, separated by commas.")]
ProfileOption = Annotated[Profile, typer.Option(help="Decides the number of samples.")]

data = typer.Typer(help="Make and check datasets.", no_args_is_help=True)


@data.command()
def prepare(name: Names, profile: ProfileOption = "quick") -> None:
    """Make the samples that are missing; what is there is kept."""
    for dataset in _open(name, profile):
        start = time.monotonic()
        with make_listener() as listener:
            dataset.prepare(partial(listener.preparing, dataset))
        took = show_seconds(time.monotonic() - start)
        console().print(f"{dataset.spec.name}: {dataset.size} samples in {dataset.folder}, {took}", soft_wrap=True)


@data.command()
def verify(name: Names, profile: ProfileOption = "quick") -> None:
    """Check the files against their hashes, and simulate one sample of every shard again."""
    faults, repairs = [], []
    for dataset in _open(name, profile):
        if found := dataset.verify():
            faults += [f"{dataset.spec.name}: {fault}" for fault in found]
            repairs.append(dataset.repair)
    if faults:
        raise DataError("; ".join(faults), "; ".join(dict.fromkeys(repairs)))
    console().print("all is well")


def _open(names: str, profile: Profile) -> list[Dataset]:
    registry = open_registry()
    return [open_dataset(registry, item.name, profile, item.options) for item in parse_selection(names)]


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.add_typer(data, name="data")
