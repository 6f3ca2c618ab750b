"""`data add`: a user's arrays as a dataset."""

from __future__ import annotations

import math
import re
import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from fwibench.cli.console.agreements import print_agreements
from fwibench.cli.console.output import console, print_json, warn
from fwibench.cli.registry import open_registry
from fwibench.datasets.user.description import LIMITS
from fwibench.errors import UsageError
from fwibench.plugins.registry import Registry
from fwibench.text.readable import counted

if TYPE_CHECKING:
    from fwibench.datasets.user.add import AddResult
    from fwibench.problem import Problem

TEXTS = ("measurements", "properties", "frequencies")
"""Options that are asked for as texts; the others are numbers."""

Files = Annotated[str, typer.Option(help="Files, a quoted pattern: 'data*.npy'. See the guide for the shapes.")]
Number = float | None
Whole = int | None
POSITIONS = "x of the {}, m: 0,150,300 or first:last:count; SEG-Y headers may have it."


def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="Name of the new dataset: small letters, digits, hyphens.")],
    from_: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE", help="TOML file of these options by name; options override it."),
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
    frequencies: Annotated[str, typer.Option(help="Of em data, Hz, rising, separated by commas.")] = "",
    source_x: Annotated[str, typer.Option(help=POSITIONS.format("sources"))] = "",
    receiver_x: Annotated[str, typer.Option(help=POSITIONS.format("receivers"))] = "",
    depth: Annotated[
        Number, typer.Option(help="Depth of sources and receivers, m; that of SEG-Y headers, or 0.")
    ] = None,
    source_depth: Annotated[Number, typer.Option(help="Depth of sources, where it is another.")] = None,
    receiver_depth: Annotated[Number, typer.Option(help="Depth of receivers, where it is another.")] = None,
    origin: Annotated[
        str, typer.Option(help="X or X,Y of the first column, m, for the coordinates in SEG-Y headers.")
    ] = "",
    top: Annotated[Number, typer.Option(help="Elevation of the first row, m, for those in SEG-Y headers.")] = None,
    shots_per_sample: Annotated[
        int | None,
        typer.Option(help="Shots of a sample in SEG-Y files; as --source-x names, or all of a file."),
    ] = None,
    headers: Annotated[
        bool, typer.Option(help="Whether positions, delays and trace codes in SEG-Y headers are used.")
    ] = True,
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
        Number, typer.Option(help="Recorded amplitude over that of a source v^2 w on one node; 1 by default.")
    ] = None,
    property_: Annotated[str, typer.Option("--property", help="What is sought.")] = "",
    unit: Annotated[str, typer.Option(help="Unit of the property; m/s, or S/m for em.")] = "",
    low: Annotated[Number, typer.Option(help="Lower bound of the property; the files' own by default.")] = None,
    high: Annotated[Number, typer.Option(help="Upper bound of the property; the files' own by default.")] = None,
    val: Annotated[Number, typer.Option(help="Val samples: a share below 1, or a number; 0.1 by default.")] = None,
    test: Annotated[
        Number,
        typer.Option(help="Test samples, likewise; all of them where there are one or two."),
    ] = None,
    split: Annotated[
        Literal["random", "last"], typer.Option(help="Shuffled, or in order: the last samples are test.")
    ] = "random",
    split_seed: Annotated[int, typer.Option(help="Another shuffle.")] = 0,
    test_numbers: Annotated[
        str, typer.Option(help="Which samples are test, from 0, all files in a row: 0,5,10:20.")
    ] = "",
    summary: Annotated[str, typer.Option(help="One line for lists.")] = "",
    licence: Annotated[str, typer.Option(help="Licence of the data.")] = "",
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make a dataset of your own arrays; .npy files are read where they lie, SEG-Y files are converted."""
    from fwibench.datasets.user.add import add_dataset
    from fwibench.datasets.user.options import make_options

    registry = open_registry()
    check_name(name, registry)
    values = _collect(context)
    values |= _ask(values)
    result = add_dataset(make_options({"name": name, **values}))
    if json:
        print_json(_as_json(result))
    else:
        _report(result, registry)


def _collect(context: typer.Context) -> dict[str, Any]:
    """Options of the command line, over those of the options file, over those of the survey file."""
    from fwibench.datasets.user.options import override_options, read_options_file
    from fwibench.datasets.user.survey_file import read_survey_file

    given = {
        parameter.rstrip("_"): value
        for parameter, value in context.params.items()
        if _is_given(context, parameter) and value not in (None, "")
    }
    values = {option: value for option, value in given.items() if option not in ("name", "from", "json")}
    if options_file := given.get("from"):
        values = override_options(read_options_file(options_file), values)
    if survey := values.pop("survey", None):
        if values.get("kind") == "em":
            raise UsageError("--survey files describe seismic surveys", "give em data by options, or by --from")
        values = override_options(read_survey_file(Path(survey)).all_options(), values)
    return values


def _is_given(context: typer.Context, parameter: str) -> bool:
    source = context.get_parameter_source(parameter)
    return source is not None and source.name != "DEFAULT"


def _report(result: AddResult, registry: Registry) -> None:
    """Print what was read and assumed, and how well simulations explain the records."""
    described, problem = result.description, result.description.problem
    name = described.name
    _say(
        f"{name}: {counted(described.size, 'sample')} in {counted(len(described.counts), 'pair')} of files, "
        f"measurements {problem.measurement_shape}, maps {problem.property_shape}"
    )
    for what, found, unit in (
        ("measurements", result.amplitude, ""),
        (problem.property.name, result.property, f" {problem.property.unit}"),
    ):
        _say(f"{what} {found.low:g} to {found.high:g}{unit}, in {found.read} of {counted(described.size, 'sample')}")
    train = described.size - described.n_val - described.n_test
    how = "by --test-numbers" if described.test_numbers else "in order" if described.split == "last" else "at random"
    _say(f"split {how}: {train} train, {described.n_val} val, {described.n_test} test")
    if described.size > min(LIMITS.values()):
        _say("; ".join(f"profile {profile} takes {limit} of them at most" for profile, limit in LIMITS.items()))
    print_agreements("recorded and simulated", result.agreements)
    for note in result.notes:
        if note.startswith("warning: "):
            warn(note.removeprefix("warning: "))
        else:
            _say(note)
    _report_offers(result)
    if methods := _first_methods(registry, problem, name, train):
        _say(f"try: fwibench run --methods {shlex.quote(','.join(methods))} --dataset {name}")


def _first_methods(registry: Registry, problem: Problem, dataset: str, train: int) -> list[str]:
    """Methods that show quickly whether the data are usable: deterministic ones, or else some without training."""
    from fwibench.runs.prediction.invert import GRADIENT, inverting_methods

    able = [spec for offer in registry.methods.values() if not (spec := offer.spec).refusal(problem, dataset)]
    if train:
        return [
            spec.name
            for spec in able
            if spec.deterministic and spec.needs_fit and not spec.physics and not spec.builds_on
            if spec.min_train <= train and spec.track == "standard"
        ][:2]
    return [f"{spec.name}[{spec.start_option}={GRADIENT}]" for spec in inverting_methods(registry) if spec in able][:1]


def _report_offers(result: AddResult) -> None:
    from fwibench.datasets.user.physics_fit import show_share

    for offer in result.offers:
        _say(f"better explained, to {show_share(offer.residual)}, with: {offer.options}")
    name = result.description.name
    if result.offers:
        _say(f"to use them: fwibench data remove {name}, then add it again with these options")
    elif result.agreements and result.description.problem.physics is None:
        _say(
            "no delay, amplitude scale, depth, order, absorbing layer, Courant number or free surface explains the "
            "records better; check positions, spacing, time step and the wavelet"
        )


def _as_json(result: AddResult) -> dict[str, Any]:
    described = result.description
    return {
        "name": described.name,
        "samples": described.size,
        "counts": described.counts,
        "problem": described.problem.model_dump(mode="json", exclude_defaults=True),
        "splits": {
            "train": described.size - described.n_val - described.n_test,
            "val": described.n_val,
            "test": described.n_test,
        },
        "measurements": asdict(result.amplitude),
        "properties": asdict(result.property),
        "notes": result.notes,
        # JSON has no NaN, which the correlation with a record of zeros is
        "agreements": [
            {name: value if value is None or math.isfinite(value) else None for name, value in asdict(one).items()}
            for one in result.agreements
        ],
        "offers": [{"options": one.options, "residual": one.residual} for one in result.offers],
    }


def check_name(name: str, registry: Registry) -> None:
    """Raises `UsageError` for a name that cannot be used or is taken."""
    if not re.fullmatch(r"[a-z][a-z0-9-]*", name):
        raise UsageError(f"'{name}' cannot be a name, expected small letters, digits and hyphens, a letter first")
    for kind in ("datasets", "methods", "metrics"):
        if offer := getattr(registry, kind).get(name):
            own = offer.spec.target.startswith("fwibench.datasets.user.")
            hint = f"fwibench data remove {name} forgets it" if own else "take another name"
            raise UsageError(f"there is a {kind[:-1]} named '{name}' already, {offer.spec.summary}", hint)


def _ask(given: dict[str, Any]) -> dict[str, Any]:
    """Options that are needed and not given: asked for on a terminal, an error elsewhere."""
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


def _say(text: str) -> None:
    console().print(text, markup=False, soft_wrap=True)


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command()(add)
