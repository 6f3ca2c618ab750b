"""`plan`: the cells, time and disk space of a request."""

from __future__ import annotations

from fwibench.boards.repetitions import format_options
from fwibench.cli.commands.run import PLANNING
from fwibench.cli.console.output import print_json, print_line, print_table, working
from fwibench.cli.options import Json, takes_request
from fwibench.plugins.registry import Registry
from fwibench.runs.artefacts.results import Results
from fwibench.runs.planning.estimate import Estimate, estimate, missing_bytes
from fwibench.runs.planning.plan import PlannedCell, make_plan
from fwibench.runs.planning.request import Request
from fwibench.text.readable import show_count, show_seconds


@takes_request
def plan(request: Request, registry: Registry, json: Json = False) -> None:
    """List the cells of `run` with the same options, their state, and estimates of time and disk space."""
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
    print_line(f"data to prepare: {show_count(disk)}B" if disk else "all data are prepared")


def _describe(one: PlannedCell, found: Estimate) -> dict[str, object]:
    return {
        "cell": one.cell.run_id,
        "options": format_options(one.chosen),
        "state": found.state,
        "time": show_seconds(found.seconds),
        "basis": "" if found.seconds is None else "mean of similar cells in these results",
        "seconds": found.seconds,
    }
