"""`data add`: a user's arrays as a dataset."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from fwibench.cli.console.added import print_result, result_as_json
from fwibench.cli.console.output import print_json
from fwibench.cli.options import is_given
from fwibench.cli.registry import open_registry
from fwibench.errors import UsageError
from fwibench.plugins.registry import Registry

TEXTS = ("measurements", "properties", "frequencies")
"""Options that are prompted for as texts; the others are numbers."""

Files = Annotated[str, typer.Option(help="Files, a quoted pattern: 'data*.npy'. The guide lists the shapes.")]
Number = float | None
Whole = int | None
POSITIONS = "Positions of the {}, m: 0,150,300 or first:last:count; by default those of SEG-Y headers."


def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the new dataset: small letters, digits, hyphens.")],
    from_: Annotated[
        Path | None,
        typer.Option(
            "--from", metavar="FILE", help="TOML file of these options; options of the command line override it."
        ),
    ] = None,
    measurements: Files = "",
    properties: Files = "",
    survey: Annotated[
        Path | None, typer.Option(metavar="FILE", help="TOML file of grid, survey and physics; options override it.")
    ] = None,
    spacing: Annotated[Number, typer.Option(help="Grid spacing, m.")] = None,
    dt: Annotated[Number, typer.Option(help="Time step, s; SEG-Y files have it.")] = None,
    frequency: Annotated[Number, typer.Option(help="Peak frequency of the Ricker wavelet, Hz.")] = None,
    delay: Annotated[Number, typer.Option(help="Time of the wavelet's peak, s; OpenFWI's is 0.072.")] = None,
    wavelet: Annotated[
        str, typer.Option(metavar="FILE", help="Source wavelet at --dt, .npy, instead of a Ricker.")
    ] = "",
    kind: Annotated[Literal["seismic", "em"], typer.Option(help="Kind of measurement.")] = "seismic",
    frequencies: Annotated[str, typer.Option(help="Frequencies of em data, Hz, rising, separated by commas.")] = "",
    source_x: Annotated[str, typer.Option(help=POSITIONS.format("sources"))] = "",
    receiver_x: Annotated[str, typer.Option(help=POSITIONS.format("receivers"))] = "",
    depth: Annotated[
        Number, typer.Option(help="Depth of sources and receivers, m; by default that of SEG-Y headers, or 0.")
    ] = None,
    source_depth: Annotated[Number, typer.Option(help="Depth of sources, m, if it differs from --depth.")] = None,
    receiver_depth: Annotated[Number, typer.Option(help="Depth of receivers, m, if it differs from --depth.")] = None,
    origin: Annotated[
        str, typer.Option(help="X or X,Y of the first column, m, for coordinates in SEG-Y headers.")
    ] = "",
    top: Annotated[Number, typer.Option(help="Elevation of the first row, m, for elevations in SEG-Y headers.")] = None,
    shots_per_sample: Annotated[
        int | None,
        typer.Option(help="Shots of a sample in SEG-Y files; by default those of --source-x, or all of a file."),
    ] = None,
    headers: Annotated[bool, typer.Option(help="Use positions, delays and trace codes of SEG-Y headers.")] = True,
    order: Annotated[Whole, typer.Option(help="Order of the scheme: 2, 4, 6 or 8; estimated by default.")] = None,
    pml: Annotated[Whole, typer.Option(help="Absorbing cells on each side; estimated by default.")] = None,
    courant: Annotated[
        Number, typer.Option(help="Largest Courant number of a step; estimated by default. OpenFWI's is 0.67.")
    ] = None,
    free_surface: Annotated[
        bool | None,
        typer.Option("--free-surface/--no-free-surface", help="Zero pressure above row 0; estimated by default."),
    ] = None,
    source_scale: Annotated[
        Number, typer.Option(help="Recorded amplitude over the simulated one of a source v^2 w; 1 by default.")
    ] = None,
    property_: Annotated[
        str, typer.Option("--property", help="Name of the property; velocity, or conductivity for em.")
    ] = "",
    unit: Annotated[str, typer.Option(help="Unit of the property; m/s, or S/m for em.")] = "",
    low: Annotated[Number, typer.Option(help="Lower bound of the property; that of the files by default.")] = None,
    high: Annotated[Number, typer.Option(help="Upper bound of the property; that of the files by default.")] = None,
    val: Annotated[Number, typer.Option(help="Val samples: a share below 1, or a number; 0.1 by default.")] = None,
    test: Annotated[
        Number,
        typer.Option(help="Test samples: a share below 1, or a number; 0.1 by default, all of one or two."),
    ] = None,
    split: Annotated[
        Literal["random", "last"], typer.Option(help="Shuffle the samples, or take the last ones as test.")
    ] = "random",
    split_seed: Annotated[int, typer.Option(help="Random seed of the shuffle.")] = 0,
    test_numbers: Annotated[
        str, typer.Option(help="Numbers of the test samples, from 0, all files in a row: 0,5,10:20.")
    ] = "",
    groups: Annotated[
        str,
        typer.Option(help="Samples that are not independent: `files`, a number in a row, or each sample's group name."),
    ] = "",
    summary: Annotated[str, typer.Option(help="One line for lists.")] = "",
    licence: Annotated[str, typer.Option(help="Licence of the data.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make a dataset of your own arrays; .npy files are read in place, SEG-Y files are converted."""
    from fwibench.datasets.user.add import add_dataset
    from fwibench.datasets.user.options import make_options

    registry = open_registry()
    check_name(name, registry)
    values = _collect(context)
    values |= _ask(values)
    result = add_dataset(make_options({"name": name, **values}))
    if json:
        print_json(result_as_json(result))
    else:
        print_result(result, registry)


def _collect(context: typer.Context) -> dict[str, Any]:
    """Options of the command line, which override those of the options file, which override the survey file."""
    from fwibench.datasets.user.options import override_options, read_options_file
    from fwibench.datasets.user.survey_file import read_survey_file

    given = {
        parameter.rstrip("_"): value
        for parameter, value in context.params.items()
        if is_given(context, parameter) and value not in (None, "")
    }
    values = {option: value for option, value in given.items() if option not in ("name", "from", "json")}
    if options_file := given.get("from"):
        values = override_options(read_options_file(options_file), values)
    if survey := values.pop("survey", None):
        if values.get("kind") == "em":
            raise UsageError("--survey files describe seismic surveys", "give em data by options, or by --from")
        values = override_options(read_survey_file(Path(survey)).all_options(), values)
    return values


def check_name(name: str, registry: Registry) -> None:
    """Raise `UsageError` for a name that is malformed or taken."""
    if not re.fullmatch(r"[a-z][a-z0-9-]*", name):
        raise UsageError(f"'{name}' cannot be a name, expected small letters, digits and hyphens, a letter first")
    for kind in ("datasets", "methods", "metrics"):
        if offer := getattr(registry, kind).get(name):
            own = offer.spec.target.startswith("fwibench.datasets.user.")
            hint = f"fwibench data remove {name} forgets it" if own else "take another name"
            raise UsageError(f"there is a {kind[:-1]} named '{name}' already, {offer.spec.summary}", hint)


def _ask(given: dict[str, Any]) -> dict[str, Any]:
    """Options that are needed and not given: prompted for on a terminal, an error elsewhere."""
    from fwibench.datasets.user.options import AddOptions, missing_options

    absent = missing_options(given)
    meanings = {name: AddOptions.model_fields[name].description for name in absent}
    if absent and not sys.stdin.isatty():
        described = ", ".join(f"--{name}: {meaning}" for name, meaning in meanings.items())
        raise UsageError(f"missing: {', '.join(f'--{name}' for name in absent)}", described)
    found: dict[str, Any] = {}
    for name in absent:
        if name in missing_options({**given, **found}):
            found[name] = typer.prompt(meanings[name] or name, type=str if name in TEXTS else float)
    return found
