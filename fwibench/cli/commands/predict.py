"""`predict`: apply the model of a finished run, or a model file, to new measurements."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fwibench.api.progress import make_listener
from fwibench.cli.console.output import errors, print_json, print_line, warn_each
from fwibench.cli.options import Device, ForceOutput, Json, check_results
from fwibench.cli.options import Results as ResultsOption
from fwibench.cli.output_files import check_outputs
from fwibench.cli.registry import open_registry
from fwibench.runs.machine.devices import check_device
from fwibench.text.readable import counted, show_number

if TYPE_CHECKING:
    from fwibench.plugins.registry import Registry
    from fwibench.runs.prediction.predict import Task
    from fwibench.typing import Maps


def predict(
    model: Annotated[
        str,
        typer.Argument(
            metavar="RUN|MODEL",
            help="Name of a run, or a part of it; a model file (.fwib), its address (https), or its name in the "
            "registry of models.",
        ),
    ],
    measurements: Annotated[
        Path,
        typer.Argument(
            help="A SEG-Y file, or .npy of shape (n, S, T, R); (n, T, R) for one source; (S, T, R) for one sample."
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The .npy file to write, maps of shape (n, 1, Z, X).")],
    results: ResultsOption = Path("results"),
    png: Annotated[Path | None, typer.Option(help="Also draw up to four maps.")] = None,
    device: Device = "auto",
    strict: Annotated[bool, typer.Option("--strict", help="Stop at the first warning.")] = False,
    force: ForceOutput = False,
    json: Json = False,
) -> None:
    """Apply the model of a finished run, or a model file, to new measurements, which are checked before."""
    check_device(device)
    outputs: dict[str, tuple[Path | None, str]] = {"--output": (output, ".npy"), "--png": (png, ".png")}
    check_outputs({"the measurements": measurements}, outputs, force=force)
    registry = open_registry()
    from fwibench.runs.models.sources import is_model
    from fwibench.runs.prediction import predict as predicting

    if not is_model(model):
        check_results(results)
    with predicting.open_task(model, results, measurements, registry) as task:
        _predict(task, registry, measurements.name, output, png, device, strict=strict, json=json)


def _predict(
    task: Task, registry: Registry, name: str, output: Path, png: Path | None, device: str, *, strict: bool, json: bool
) -> None:
    """Predict, write the maps, and print what they are."""
    from fwibench.runs.prediction import predict as predicting

    warn_each(task.warnings, strict=strict)
    with make_listener(errors()) as listener:
        listener.begin(f"{task.record.cell.method} on {counted(len(task.measurements), 'sample')} of {name}")
        listener.event("", {"stage": "predict"})
        maps = predicting.predict(task, registry, device, lambda scalars: listener.event("", {"report": scalars}))
    facts, late = _facts(task, maps), predicting.doubt_maps(maps, task.problem)
    warn_each(late, strict=strict)
    facts["warnings"] += late
    predicting.write_maps(maps, output)
    drawn = []
    if png:
        from fwibench.report.predictions import draw_predictions

        drawn = draw_predictions(task, maps, png)
    if json:
        print_json({**facts, "output": str(output), "png": str(png) if png else None, "drawn": drawn})
        return
    low, high, outside = facts["low"], facts["high"], facts["nodes_outside"]
    unit, bounds = facts["unit"], task.problem.property
    lines = [
        *task.measurements.notes,
        f"{counted(len(maps), 'map')} of {' x '.join(map(str, maps.shape[2:]))} nodes by {facts['run']} in {output}",
        f"{bounds.name} from {show_number(low)} to {show_number(high)} {unit}; {outside} of {maps.size} nodes "
        f"lie outside the bounds of the problem, {bounds.low:g} to {bounds.high:g} {unit}",
    ]
    if png:
        lines.append(f"{png} shows sample{'s' if len(drawn) > 1 else ''} {', '.join(map(str, drawn))}")
    for line in lines:
        print_line(line)


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
        "nodes_outside": bounds.outside(maps),
        "notes": list(task.measurements.notes),
        "warnings": list(task.warnings),
    }
