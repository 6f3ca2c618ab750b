"""`plan`: what `run` would do."""

from __future__ import annotations

from fwibench.boards.repetitions import format_options
from fwibench.cli.commands.run import PLANNING
from fwibench.cli.console.output import console, print_json, print_table, working
from fwibench.cli.options import Json, takes_request
from fwibench.plugins.registry import Registry
from fwibench.runs.artefacts.results import Results
from fwibench.runs.planning.estimate import Estimate, estimate, missing_bytes
from fwibench.runs.planning.plan import PlannedCell, make_plan
from fwibench.runs.planning.request import Request
from fwibench.text.readable import show_count, show_seconds


@takes_request
def plan(request: Request, registry: Registry, json: Json = False) -> None:
    """Show what `run` with the same options would do: cells, what is finished, time and disk."""
    with working(PLANNING):
        planned = make_plan(request, registry)
    finished = Results(request.results).records()[0]
    cells = [_describe(one, estimate(one, finished)) for one in planned]
    disk = missing_bytes(planned)
    if json:
        print_json({"cells": cells, "disk_bytes": disk})
        return
    header = ("cell", "options", "state", "time", "basis")
    print_table("", header, [[str(cell[name]) for name in header] for cell in cells])
    console().print(f"data still to be made: {show_count(disk)}B" if disk else "data are there")


def _describe(one: PlannedCell, found: Estimate) -> dict[str, object]:
    return {
        "cell": one.cell.run_id,
        "options": format_options(one.chosen),
        "state": found.state,
        "time": show_seconds(found.seconds),
        "basis": "" if found.seconds is None else "mean of like cells in these results",
        "seconds": found.seconds,
    }
