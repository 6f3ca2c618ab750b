"""`predict` and `reproduce`: commands that use a finished run."""

from __future__ import annotations

import shlex
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fwibench.cli.output import console, open_registry, print_json, print_table, warn
from fwibench.cli.outputs import check_outputs, tell
from fwibench.cli.progress import make_listener
from fwibench.cli.request import Json, check_device, check_results
from fwibench.cli.request import Results as ResultsOption
from fwibench.runs.artefacts.differences import TOLERANCE
from fwibench.runs.artefacts.record import Record
from fwibench.runs.artefacts.results import Results
from fwibench.runs.execution.run import run_plan
from fwibench.runs.reproduction import repeat as repeating
from fwibench.runs.reproduction.command import request_of, words_of
from fwibench.text.readable import printable, show_number

if TYPE_CHECKING:
    from fwibench.runs.prediction.predict import Task
    from fwibench.typing import Maps

Run = Annotated[str, typer.Argument(help="Name of a run, or a part of it that fits no other.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:N.")]


def predict(
    run: Run,
    measurements: Annotated[
        Path,
        typer.Argument(
            help="A SEG-Y file, or .npy of (n, S, T, R), (n, T, R) for one source, (S, T, R) for one sample."
        ),
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
    check_results(results)
    outputs: dict[str, tuple[Path | None, str]] = {"--output": (output, ".npy"), "--png": (png, ".png")}
    check_outputs({"the measurements": measurements}, outputs, force=force)
    folder = Results(results).run(run)
    registry = open_registry()
    from fwibench.runs.prediction import predict as predicting

    task = predicting.make_task(folder, measurements, registry)
    tell(task.warnings, strict=strict)
    with make_listener() as listener:
        listener.begin(
            f"{task.record.cell.method} on {_count(len(task.measurements), 'sample')} of {measurements.name}"
        )
        listener.event({"stage": "predict"})
        maps = predicting.predict(task, registry, device, lambda scalars: listener.event({"report": scalars}))
    facts, late = _facts(task, maps), predicting.doubt_maps(maps, task.problem)
    tell(late, strict=strict)
    facts["warnings"] += late
    predicting.write_maps(maps, output)
    drawn = _draw(task, maps, png) if png else []
    if json:
        print_json({**facts, "output": str(output), "png": str(png) if png else None, "drawn": drawn})
        return
    low, high, outside = facts["low"], facts["high"], facts["nodes_outside"]
    unit, bounds = facts["unit"], task.problem.property
    lines = [
        *task.measurements.notes,
        f"{_count(len(maps), 'map')} of {' x '.join(map(str, maps.shape[2:]))} nodes by {facts['run']} in {output}",
        f"{bounds.name} from {show_number(low)} to {show_number(high)} {unit}; {outside} of {maps.size} nodes "
        f"lie outside of the problem's {bounds.low:g} to {bounds.high:g} {unit}",
    ]
    if png:
        lines.append(f"{png} shows sample{'s' if len(drawn) > 1 else ''} {', '.join(map(str, drawn))}")
    for line in lines:
        console().print(line, markup=False, soft_wrap=True)


def reproduce(
    run: Run,
    results: ResultsOption = Path("results"),
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="New folder for the second run; by default RESULTS/reproduced/RUN."),
    ] = None,
    show: Annotated[bool, typer.Option("--print", help="Print the command and stop.")] = False,
    tolerance: Annotated[
        float, typer.Option(min=0, help="Relative difference of scores that counts as none.")
    ] = TOLERANCE,
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Run a finished run's command again in a new folder and say whether the result agrees; exit code 1 if not."""
    check_device(device)
    check_results(results)
    folder = Results(results).run(run)
    record, base = repeating.read_run(folder, to_run=not show)
    registry = open_registry()
    target = repeating.fresh_folder(results, folder.name, output)
    request = replace(request_of(record, base, registry), results=target, device=device)
    where = {"results": str(target), **({} if device == "auto" else {"device": device})}
    command = words_of(request, [one.cell for one in (record, base) if one], **where)
    plan, obstacles = repeating.plan_again(request, record, registry)
    facts: dict[str, Any] = {"run": record.run_id, "command": command, "obstacles": obstacles}
    if not json:
        console().print(shlex.join(command), markup=False, soft_wrap=True)
    for line in obstacles:
        warn(line)
    if show or obstacles:
        if obstacles and not json:
            warn("this installation cannot make exactly this run again; the command makes it as it would be today")
        if json:
            print_json(facts)
        raise typer.Exit(0 if show else 1)
    with repeating.same_threads(record, base), make_listener() as listener:
        outcome = run_plan(plan, request, registry, listener)
    if outcome.interrupted:
        raise typer.Exit(130)
    found = repeating.compare_runs(folder, Results(target).folder(record.cell), registry, tolerance)
    again = next(one for one in outcome.records if one.cell.key == record.cell.key)
    if json:
        rows = [{**asdict(one), "size": one.size, "relative": one.relative} for one in found.scores]
        print_json(
            {**facts, **asdict(found), "scores": rows, "status": [record.status, again.status], "agrees": found.agrees}
        )
    else:
        _print_comparison(record, again, found, tolerance)
    if not found.agrees:
        raise typer.Exit(1)


def _print_comparison(first: Record, second: Record, found: repeating.Comparison, tolerance: float) -> None:
    changed = {one.what for one in found.changes}
    rows = []
    for one in found.scores if first.status == second.status == "ok" else ():
        verdict = "differs" if one.what in changed else "equal" if one.first == one.second else "within tolerance"
        values = [show_number(value, 8) if isinstance(value, float) else "" for value in (one.first, one.second)]
        rows.append([one.what, *values, "" if one.relative is None else f"{one.relative:+.1e}", verdict])
    if rows:
        numbers = ("record", "again", "relative")
        print_table("", ("metric", *numbers, "verdict"), rows, right=numbers)
    for name in found.left_out:
        warn(f"there is no metric named '{name}' here, its score is not compared")
    if found.environment:
        differing = [[one.what, str(one.first), str(one.second)] for one in found.environment]
        print_table("what differs in the environment", ("what", "record", "again"), differing)
    for line in _verdict(first, second, found, tolerance):
        console().print(line, markup=False, soft_wrap=True)


def _verdict(first: Record, second: Record, found: repeating.Comparison, tolerance: float) -> Iterable[str]:
    if found.predictions != "not stored":
        largest = f", by at most {show_number(found.largest)} {first.unit}" if found.largest else ""
        same = "are bitwise equal" if found.predictions == "equal" else f"differ{largest}"
        yield f"predictions {same}"
    if not found.comparable:
        yield "cannot say whether it agrees: no score of the record is known here"
    elif not found.agrees and first.status != second.status:
        ends = [f"{one.status}{f' ({one.reason})' if one.reason else ''}" for one in (first, second)]
        yield printable(f"does not agree: the record is {ends[0]}, the run made again {ends[1]}")
    elif not found.agrees and first.status != "ok":
        reasons = f"the record: {first.reason}; the run made again: {second.reason}"
        yield printable(f"does not agree: both are {first.status}, for different reasons; {reasons}")
    elif not found.agrees:
        yield f"does not agree: {len(found.changes)} of {len(found.scores)} scores differ by more than {tolerance:g}"
    elif first.status != "ok":
        yield printable(f"agrees: both are {first.status} ({first.reason}; {second.reason})")
    else:
        exact = all(one.first == one.second for one in found.scores)
        yield f"agrees: {len(found.scores)} scores are {'equal' if exact else f'within {tolerance:g}'}"


def _count(number: int, name: str) -> str:
    return f"{number} {name}" if number == 1 else f"{number} {name}s"


def _draw(task: Task, maps: Maps, path: Path) -> list[int]:
    """Draws maps, spread evenly; says of which samples."""
    import numpy as np

    from fwibench.files.atomic import atomic_write
    from fwibench.physics.illumination import has_illumination, illumination
    from fwibench.report.pictures import COLUMNS, draw_maps
    from fwibench.samples import evenly_spaced

    rows = evenly_spaced(len(maps), COLUMNS)
    shown = task.measurements.array[rows].astype(np.float32)
    names, room = [f"sample {row}" for row in rows], max(len(rows), 2)
    seen = [illumination(task.problem)[0]] * len(rows) if has_illumination(task.problem) else []
    picture = draw_maps(names, maps[rows], shown, task.problem, room=room, seen=seen)
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
        "nodes_outside": bounds.outside(maps),
        "notes": list(task.measurements.notes),
        "warnings": list(task.warnings),
    }


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    for command in (predict, reproduce):
        app.command()(command)
