"""`run`: run methods on datasets."""

from __future__ import annotations

import typer

from fwibench.api.progress import make_listener
from fwibench.api.runs import run_request
from fwibench.boards.columns import columns_of
from fwibench.boards.export import check_formats, export
from fwibench.cli.console.leaderboards import print_leaderboard, print_notes
from fwibench.cli.console.output import errors, print_json, print_line, warn, working
from fwibench.cli.options import Exports, Json
from fwibench.cli.registry import warn_broken
from fwibench.cli.request import Save, takes_request
from fwibench.files.atomic import check_folder
from fwibench.plugins.registry import Registry
from fwibench.runs.planning.experiment import write_experiment
from fwibench.runs.planning.plan import make_plan
from fwibench.runs.planning.request import Request
from fwibench.text.readable import counted, show_seconds

PLANNING = "planning; files that changed since their last use are read once"
"""Text shown during the planning, which hashes the files that options name."""


@takes_request
def run(request: Request, registry: Registry, exports: Exports = None, save: Save = None, json: Json = False) -> None:
    """Run methods on datasets and print their leaderboard."""
    check_formats(exports or [], registry)
    check_folder(request.results / "runs")
    with working(PLANNING):
        plan = make_plan(request, registry)
    if save is not None:
        write_experiment(request, save, registry)
    broken = registry.broken
    with make_listener(errors(), columns_of(registry).ranking) as listener:
        outcome = run_request(plan, request, registry, listener)
    for plugin in registry.broken:
        if plugin not in broken:
            warn_broken(plugin)
    board = outcome.board()
    if json:
        print_json({"exit_code": outcome.exit_code, "rows": [dict(row) for row in board.rows]})
    else:
        print_leaderboard(board.rows)
        print_notes(board.notes)
        cells, runs = counted(len(plan), "cell"), request.results / "runs"
        print_line(f"{cells} in {show_seconds(outcome.wall_s)}, records in {runs}")
    for name in request.metrics:
        if lacking := sum(one.cached is not None and name not in one.cached.scores for one in plan):
            warn(f"{counted(lacking, 'finished run')} without {name}: fwibench rescore --metrics {name} computes it")
    for path in exports or []:
        export(board.rows, path, registry)
    raise typer.Exit(outcome.exit_code)
