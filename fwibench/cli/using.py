"""`predict` and `reproduce`: commands that use a finished run."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fwibench.cli.output import console, open_registry, print_json, warn
from fwibench.cli.progress import make_listener
from fwibench.cli.request import Json, check_device
from fwibench.cli.request import Results as ResultsOption
from fwibench.errors import ProblemError, UsageError
from fwibench.readable import show_number
from fwibench.runs.results import Results

if TYPE_CHECKING:
    from fwibench.runs.predicting import Maps, Task

Run = Annotated[str, typer.Argument(help="Name of a run, or a part of it that fits no other.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")]


def predict(
    run: Run,
    measurements: Annotated[
        Path, typer.Argument(help="An .npy file of shape (n, S, T, R), or (S, T, R) for one sample, as the run's data.")
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The .npy file of maps, (n, 1, Z, X), to be written.")],
    results: ResultsOption = Path("results"),
    png: Annotated[Path | None, typer.Option(help="Also draw up to four of the maps.")] = None,
    device: Device = "auto",
    strict: Annotated[bool, typer.Option("--strict", help="Stop at a warning.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace output files that exist.")] = False,
    json: Json = False,
) -> None:
    """Use a finished run's model on new measurements, after checks of their shape, type, values and amplitude."""
    check_device(device)
    _check_outputs(measurements, {"--output": (output, ".npy"), "--png": (png, ".png")}, force=force)
    folder = Results(results).run(run)
    registry = open_registry()
    from fwibench.runs import predicting

    task = predicting.make_task(folder, measurements, registry)
    _tell(task.warnings, strict=strict)
    with make_listener() as listener:
        listener.begin(f"{task.record.cell.method} on {len(task.measurements)} samples of {measurements.name}")
        listener.event({"stage": "predict"})
        maps = predicting.predict(task, registry, device, lambda scalars: listener.event({"report": scalars}))
    predicting.write_maps(maps, output)
    drawn = _draw(task, maps, png) if png else []
    facts = _facts(task, maps)
    if json:
        print_json({**facts, "output": str(output), "png": str(png) if png else None, "drawn": drawn})
        return
    low, high, outside = facts["low"], facts["high"], facts["nodes_outside"]
    unit, bounds = facts["unit"], task.problem.property
    lines = [
        *task.measurements.notes,
        f"{len(maps)} maps of {' x '.join(map(str, maps.shape[2:]))} nodes by {facts['run']} in {output}",
        f"{bounds.name} from {show_number(low)} to {show_number(high)} {unit}; {outside} of {maps.size} nodes "
        f"lie outside of the problem's {bounds.low:g} to {bounds.high:g} {unit}",
    ]
    if png:
        lines.append(f"{png} shows sample{'s' if len(drawn) > 1 else ''} {', '.join(map(str, drawn))}")
    for line in lines:
        console().print(line, markup=False, soft_wrap=True)


def _check_outputs(measurements: Path, outputs: dict[str, tuple[Path | None, str]], *, force: bool) -> None:
    """Refuses what would be lost or not be found, before any work is done."""
    for option, (path, suffix) in outputs.items():
        if path is None:
            continue
        if path.suffix != suffix:
            raise UsageError(f"{option} is {path}, expected a name that ends with {suffix}")
        if path.exists() and measurements.exists() and path.samefile(measurements):
            raise UsageError(f"{option} is the file of the measurements, which would be lost", "choose another name")
        if path.is_dir() or (path.exists() and not force):
            raise UsageError(f"{path} exists", "choose another name" if path.is_dir() else "--force replaces it")


def _tell(warnings: Iterable[str], *, strict: bool) -> None:
    for line in warnings:
        if strict:
            raise ProblemError(line, "without --strict this is a warning")
        warn(line)


def _draw(task: Task, maps: Maps, path: Path) -> list[int]:
    """Draws maps, spread evenly; says of which samples."""
    import numpy as np

    from fwibench.files import atomic_write
    from fwibench.report.pictures import COLUMNS, draw_maps

    rows = np.unique(np.linspace(0, len(maps) - 1, COLUMNS).round().astype(int))
    shown = task.measurements.array[rows].astype(np.float32)
    picture = draw_maps([f"sample {row}" for row in rows], maps[rows], shown, task.problem)
    with atomic_write(path) as stream:
        stream.write(picture)
    return [int(row) for row in rows]


def _facts(task: Task, maps: Maps) -> dict[str, Any]:
    bounds, cell = task.problem.property, task.record.cell
    return {
        "run": task.record.run_id,
        "method": cell.method,
        "method_version": cell.method_version,
        "dataset": cell.dataset,
        "property": bounds.name,
        "unit": bounds.unit,
        "shape": list(maps.shape),
        "spacing_m": task.problem.grid.spacing,
        "low": float(maps.min()),
        "high": float(maps.max()),
        "bounds": [bounds.low, bounds.high],
        "nodes_outside": int(((maps < bounds.low) | (maps > bounds.high)).sum()),
        "notes": list(task.measurements.notes),
        "warnings": list(task.warnings),
    }


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    for command in (predict,):
        app.command()(command)
