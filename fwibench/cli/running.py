"""`run` and `plan`."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

import typer

from fwibench.cli.boards import Exports
from fwibench.cli.output import console, print_json, print_table, warn, warn_broken, working
from fwibench.cli.progress import make_listener
from fwibench.cli.request import Json, takes_request
from fwibench.cli.tables import print_leaderboard, print_notes
from fwibench.files.atomic import check_folder
from fwibench.leaderboard.board import make_board
from fwibench.leaderboard.export import check_formats, export
from fwibench.leaderboard.presenting import units_of
from fwibench.leaderboard.rows import format_options
from fwibench.plugins.registry import Registry
from fwibench.runs.artefacts.record import Record
from fwibench.runs.artefacts.results import Results
from fwibench.runs.execution.run import run_plan
from fwibench.runs.planning.plan import PlannedCell, make_plan
from fwibench.runs.planning.request import Request
from fwibench.text.readable import counted, show_count, show_seconds

PLANNING = "planning; original files that changed since they were last used are read once"


def run(request: Request, registry: Registry, exports: Exports = None, json: Json = False) -> None:
    """Run methods on datasets and print the leaderboard of this run."""
    check_formats(exports or [], registry)
    check_folder(request.results / "runs")
    with working(PLANNING):
        plan = make_plan(request, registry)
    broken = registry.broken
    with make_listener() as listener:
        outcome = run_plan(plan, request, registry, listener)
    for plugin in registry.broken:
        if plugin not in broken:
            warn_broken(plugin)
    board = make_board(outcome.records, Results(request.results).scores)
    units = units_of(board.rows)
    if json:
        print_json({"exit_code": outcome.exit_code, "rows": board.rows})
    else:
        print_leaderboard(board.rows, units, board.busy)
        print_notes(board.notes)
        cells, runs = counted(len(plan), "cell"), request.results / "runs"
        console().print(f"{cells} in {show_seconds(outcome.wall_s)}, records in {runs}", soft_wrap=True)
    for name in request.metrics:
        if lacking := sum(one.cached is not None and name not in one.cached.scores for one in plan):
            warn(f"{counted(lacking, 'finished run')} without {name}: fwibench rescore --metrics {name} computes it")
    for path in exports or []:
        export(board.rows, units, path, registry)
    raise typer.Exit(outcome.exit_code)


def plan(request: Request, registry: Registry, json: Json = False) -> None:
    """Show what `run` with the same options would do: cells, what is finished, time and disk."""
    with working(PLANNING):
        planned = make_plan(request, registry)
    finished = Results(request.results).records()[0]
    cells = [_describe(one, _estimate(one, finished)) for one in planned]
    disk = {one.dataset.fingerprint: one.dataset.missing_bytes() for one in planned}
    if json:
        print_json({"cells": cells, "disk_bytes": sum(disk.values())})
        return
    header = ("cell", "options", "state", "time", "basis")
    print_table("", header, [[str(cell[name]) for name in header] for cell in cells])
    console().print(
        f"data still to be made: {show_count(sum(disk.values()))}B" if any(disk.values()) else "data are there"
    )


def _describe(one: PlannedCell, estimate: float | None) -> dict[str, object]:
    state = "finished" if one.cached else f"cannot run: {one.skip}" if one.skip else "to run"
    known = state == "to run" and estimate is not None
    return {
        "cell": one.cell.run_id,
        "options": format_options(one.chosen),
        "state": state,
        "time": show_seconds(estimate) if known else "",
        "basis": "mean of like cells in these results" if known else "",
        "seconds": estimate if known else None,
    }


def _estimate(one: PlannedCell, finished: Sequence[Record]) -> float | None:
    """Mean duration of finished cells of the same method, dataset and profile; None without any."""
    same = ("method", "dataset", "profile")
    durations = [
        record.wall_s
        for record in finished
        if record.wall_s and all(getattr(record.cell, name) == getattr(one.cell, name) for name in same)
    ]
    return fmean(durations) if durations else None


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command()(takes_request(run))
    app.command()(takes_request(plan))
