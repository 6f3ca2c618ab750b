"""`invert`: full waveform inversion of a record whose map is not known."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fwibench.api.progress import make_listener
from fwibench.cli.console.output import errors, print_json, print_line, warn_each
from fwibench.cli.options import Device, ForceOutput, Json
from fwibench.cli.output_files import check_outputs
from fwibench.cli.registry import open_registry
from fwibench.errors import UsageError
from fwibench.runs.machine.devices import check_device
from fwibench.text.amounts import parse_duration
from fwibench.text.readable import counted, show_number, show_seconds

if TYPE_CHECKING:
    from fwibench.runs.prediction.invert import Outcome, Task

MOST = 4
"""Largest number of values in a line, and of panels in a figure."""


def invert(
    measurements: Annotated[
        Path, typer.Argument(help="An .npy file of shape (S, T, R) for one record, or (n, S, T, R) for several.")
    ],
    survey: Annotated[
        Path, typer.Option(help="A .toml file of the survey: grid, positions, time step, source and bounds.")
    ],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The .npy file to write, models of shape (n, 1, Z, X).")
    ],
    start: Annotated[
        str,
        typer.Option(
            help="Start model: gradient (a linear increase with depth, fitted to the data), or an .npy file of a map."
        ),
    ] = "gradient",
    method: Annotated[str, typer.Option(help="Method; default: the first that inverts without training.")] = "",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="OPTION=VALUE", help="Set an option of the method: iterations=100. Repeatable."),
    ] = None,
    png: Annotated[Path | None, typer.Option(help="Also draw the start model, the model and the illumination.")] = None,
    time_limit: Annotated[
        str | None, typer.Option(help="Stop after this time and write the model reached so far: 90s, 30m, 2h.")
    ] = None,
    device: Device = "auto",
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first warning about the record.")] = False,
    force: ForceOutput = False,
    json: Json = False,
) -> None:
    """Invert a record without training: full waveform inversion with the geometry of the survey."""
    check_device(device)
    outputs: dict[str, tuple[Path | None, str]] = {"--output": (output, ".npy"), "--png": (png, ".png")}
    inputs = {"the measurements": measurements, "the survey": survey, "the start": Path(start).expanduser()}
    check_outputs(inputs, outputs, force=force)
    seconds = parse_duration(time_limit) if time_limit else None
    registry = open_registry()
    from fwibench.runs.prediction import invert as inverting
    from fwibench.runs.prediction.predict import write_maps

    task = inverting.make_task(
        measurements, survey, registry, method=method, start=start, settings=_parse_settings(settings or [])
    )
    warn_each(task.warnings, strict=strict)
    with make_listener(errors()) as listener:
        listener.begin(f"{task.spec.name} on {counted(len(task.measurements), 'record')} of {measurements.name}")
        listener.event("", {"stage": "invert"})
        outcome = inverting.invert(task, device, seconds, lambda scalars: listener.event("", {"report": scalars}))
    warn_each(outcome.warnings, strict=False)
    write_maps(outcome.maps, output)
    drawn = []
    if png:
        from fwibench.report.predictions import draw_inversions

        drawn = draw_inversions(task, outcome, png)
    if json:
        print_json({**_facts(task, outcome), "output": str(output), "png": str(png) if png else None, "drawn": drawn})
        return
    for line in (*task.measurements.notes, *_lines(task, outcome, output), *([f"figure in {png}"] if png else [])):
        print_line(line)


def _parse_settings(settings: list[str]) -> dict[str, str]:
    from fwibench.runs.planning.grammar import parse_assignment

    found: dict[str, str] = {}
    for setting in settings:
        name, value = parse_assignment(setting)
        if name in found:
            raise UsageError(f"--set gives {name} twice", "give it once")
        found[name] = value
    return found


def _lines(task: Task, outcome: Outcome, output: Path) -> list[str]:
    bounds, (nz, nx) = task.problem.property, task.problem.grid.shape
    low, high = float(outcome.maps.min()), float(outcome.maps.max())
    lines = [
        f"{counted(len(outcome.maps), 'model')} of {nz} x {nx} nodes by {task.spec.name} in {output}",
        f"{bounds.name} from {show_number(low)} to {show_number(high)} {bounds.unit}, within the bounds "
        f"{bounds.low:g} to {bounds.high:g} {bounds.unit}",
        f"start: {_of_starts(outcome, bounds.unit)}",
        f"data misfit: {_listed(outcome.before)} before, {_listed(outcome.after)} after (0: the data are "
        "explained, 1: as large as the data)",
    ]
    if outcome.seen is not None:
        lines.append(
            f"illumination: the survey illuminates {(outcome.seen > 0.5).mean():.0%} of the section; elsewhere the "
            "model is the start model"
        )
    iterations = f", {sum(outcome.iterations)} iterations" if outcome.iterations is not None else ""
    ended = "; stopped at the time limit" if outcome.stopped else ""
    lines.append(f"time: {show_seconds(outcome.seconds)}{iterations}{ended}")
    return lines


def _of_starts(outcome: Outcome, unit: str) -> str:
    tops, bottoms = (outcome.starts[:, 0, row].mean(1) for row in (0, -1))
    return f"from {_listed(tops)} {unit} at the top to {_listed(bottoms)} {unit} at the bottom, on average"


def _listed(values: Any) -> str:
    """Return up to four numbers as text, and how many more there are."""
    shown = ", ".join(show_number(float(value)) for value in values[:MOST])
    return shown if len(values) <= MOST else f"{shown} and {len(values) - MOST} more"


def _facts(task: Task, outcome: Outcome) -> dict[str, Any]:
    bounds, maps = task.problem.property, outcome.maps
    return {
        "method": task.spec.name,
        "method_version": task.spec.version,
        "options": task.options.model_dump(mode="json"),
        "property": bounds.name,
        "unit": bounds.unit,
        "shape": list(maps.shape),
        "spacing_m": task.problem.grid.spacing,
        "bounds": [bounds.low, bounds.high],
        "low": float(maps.min()),
        "high": float(maps.max()),
        "misfit_before": outcome.before.tolist(),
        "misfit_after": outcome.after.tolist(),
        "illuminated": None if outcome.seen is None else (outcome.seen > 0.5).mean(axis=(1, 2, 3)).tolist(),
        "seconds": outcome.seconds,
        "iterations": outcome.iterations,
        "stopped": outcome.stopped,
        "notes": list(task.measurements.notes),
        "warnings": [*task.warnings, *outcome.warnings],
    }
