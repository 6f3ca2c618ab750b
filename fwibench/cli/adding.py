"""`data add` and `data remove`: anybody's arrays as a dataset."""

from __future__ import annotations

import re
import sys
from typing import Annotated, Any, Literal

import typer

from fwibench.cli.data import data
from fwibench.cli.output import console, open_registry
from fwibench.datasets.added.description import LIMITS, forget, read_descriptions
from fwibench.errors import UnknownNameError, UsageError
from fwibench.plugins.registry import Registry

ASKED = {
    "measurements": (str, "files of measurements, a pattern such as 'data*.npy'"),
    "properties": (str, "files of properties, a pattern such as 'model*.npy'"),
    "spacing": (float, "grid spacing [m]"),
    "dt": (float, "time step [s]"),
    "frequency": (float, "peak frequency of the source [Hz]"),
    "frequencies": (str, "frequencies [Hz], separated by commas"),
}

Files = Annotated[str, typer.Option(help="Files, a quoted pattern: 'data*.npy'. See the guide for the shapes.")]
Number = float | None
PLACES = "x of the {}, m: 0,150,300 or first:last:count; SEG-Y headers may have it."


def add(
    name: Annotated[str, typer.Argument(help="Name of the new dataset: small letters, digits, hyphens.")],
    measurements: Files = "",
    properties: Files = "",
    spacing: Annotated[Number, typer.Option(help="Grid spacing [m].")] = None,
    dt: Annotated[Number, typer.Option(help="Time step, s; SEG-Y files have it.")] = None,
    frequency: Annotated[Number, typer.Option(help="Peak frequency of the Ricker wavelet [Hz].")] = None,
    delay: Annotated[Number, typer.Option(help="Time of the wavelet's peak [s].")] = None,
    kind: Annotated[Literal["seismic", "em"], typer.Option(help="Kind of measurement.")] = "seismic",
    frequencies: Annotated[str, typer.Option(help="Of em data [Hz], separated by commas.")] = "",
    source_x: Annotated[str, typer.Option(help=PLACES.format("sources"))] = "",
    receiver_x: Annotated[str, typer.Option(help=PLACES.format("receivers"))] = "",
    depth: Annotated[
        Number, typer.Option(help="Depth of sources and receivers, m; that of SEG-Y headers, or 0.")
    ] = None,
    origin: Annotated[
        str, typer.Option(help="X or X,Y of the first column, m, for the coordinates in SEG-Y headers.")
    ] = "",
    top: Annotated[Number, typer.Option(help="Elevation of the first row, m, for those in SEG-Y headers.")] = None,
    shots_per_sample: Annotated[
        int | None,
        typer.Option(help="Shots of a sample in SEG-Y files; as --source-x names, or all of a file."),
    ] = None,
    headers: Annotated[
        bool, typer.Option(help="Whether places, delays and trace codes in SEG-Y headers are used.")
    ] = True,
    property_: Annotated[str, typer.Option("--property", help="What is sought.")] = "",
    unit: Annotated[str, typer.Option(help="Unit of the property; m/s, or S/m for em.")] = "",
    low: Annotated[Number, typer.Option(help="Lower bound of the property; the files' own by default.")] = None,
    high: Annotated[Number, typer.Option(help="Upper bound of the property; the files' own by default.")] = None,
    val: Annotated[float, typer.Option(help="Val samples: a share below 1, or a number.")] = 0.1,
    test: Annotated[float, typer.Option(help="Test samples: a share below 1, or a number.")] = 0.1,
    summary: Annotated[str, typer.Option(help="One line for lists.")] = "",
    licence: Annotated[str, typer.Option(help="Licence of the data.")] = "",
) -> None:
    """Make a dataset of your own arrays; .npy files are read where they lie, SEG-Y files are converted."""
    check_name(name, open_registry())
    given: dict[str, Any] = {"measurements": measurements, "properties": properties, "spacing": spacing}
    given |= {"dt": dt, "frequency": frequency, "frequencies": frequencies}
    given |= _ask(kind, given)
    from fwibench.datasets.added.adding import Addition, add

    em = kind == "em"
    findings = add(
        Addition(
            name=name,
            kind=kind,
            delay=delay,
            source_x=source_x,
            receiver_x=receiver_x,
            depth=depth,
            origin=origin,
            top=top,
            shots_per_sample=shots_per_sample,
            headers=headers,
            property=property_ or ("conductivity" if em else "velocity"),
            unit=unit or ("S/m" if em else "m/s"),
            low=low,
            high=high,
            val=val,
            test=test,
            summary=summary,
            licence=licence,
            **given,
        )
    )
    described, problem = findings.description, findings.description.problem
    _say(
        f"{name}: {described.size} samples in {len(described.counts)} pairs of files, measurements "
        f"{problem.measurement_shape}, maps {problem.property_shape}"
    )
    for what, found, unit_ in (
        ("measurements", findings.amplitude, ""),
        (problem.property.name, findings.property, f" {problem.property.unit}"),
    ):
        _say(f"{what} {found.low:g} to {found.high:g}{unit_}, in {found.read} of {described.size} samples")
    train = described.size - described.n_val - described.n_test
    _say(f"split at random: {train} train, {described.n_val} val, {described.n_test} test")
    if described.size > min(LIMITS.values()):
        _say("; ".join(f"profile {profile} takes {limit} of them at most" for profile, limit in LIMITS.items()))
    for note in findings.notes:
        _say(note)
    _say(f"try: fwibench run --methods mean-map,nearest-neighbour --dataset {name}")


def remove(name: Annotated[str, typer.Argument(help="Name of an added dataset.")]) -> None:
    """Forget an added dataset; your files stay."""
    if not re.fullmatch(r"[a-z][a-z0-9-]*", name) or not forget(name):
        raise UnknownNameError.among("added dataset", name, [one.name for one in read_descriptions()[0]])
    _say(f"{name} is forgotten; your files are where they were")


def check_name(name: str, registry: Registry) -> None:
    """Raises `UsageError` for a name that cannot be used or is taken."""
    if not re.fullmatch(r"[a-z][a-z0-9-]*", name):
        raise UsageError(f"'{name}' cannot be a name, expected small letters, digits and hyphens, a letter first")
    for kind in ("datasets", "methods", "metrics"):
        if offer := getattr(registry, kind).get(name):
            own = offer.spec.target.startswith("fwibench.datasets.added.")
            hint = f"fwibench data remove {name} forgets it" if own else "take another name"
            raise UsageError(f"there is a {kind[:-1]} named '{name}' already, {offer.spec.summary}", hint)


def _ask(kind: str, given: dict[str, Any]) -> dict[str, Any]:
    """What is needed and not given: asked for on a terminal, an error elsewhere."""
    from fwibench.datasets.added.adding import missing

    absent = missing(kind, given)
    if absent and not sys.stdin.isatty():
        described = ", ".join(f"--{name} is the {ASKED[name][1]}" for name in absent)
        raise UsageError(f"missing: {', '.join(f'--{name}' for name in absent)}", described)
    found: dict[str, Any] = {}
    for name in absent:
        if name in missing(kind, {**given, **found}):
            found[name] = typer.prompt(ASKED[name][1], type=ASKED[name][0])
    return found


def _say(text: str) -> None:
    console().print(text, markup=False, soft_wrap=True)


def register(app: typer.Typer) -> None:
    """Adds the commands to `data`."""
    data.command()(add)
    data.command()(remove)
