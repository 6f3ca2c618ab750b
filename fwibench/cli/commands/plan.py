"""`plan`: the cells, time, memory and disk space of a request."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from fwibench.cli.commands.run import PLANNING
from fwibench.cli.console.output import print_json, print_line, print_table, warn, working
from fwibench.cli.options import Json
from fwibench.cli.request import Save, takes_request
from fwibench.plugins.registry import Registry
from fwibench.runs.artefacts.results import Results
from fwibench.runs.execution.engines.choice import count_places
from fwibench.runs.machine.environment import physical_memory
from fwibench.runs.planning.disk import Disk, datasets_to_prepare, disks
from fwibench.runs.planning.estimate import Estimate, Estimator, Whole, whole
from fwibench.runs.planning.experiment import write_experiment
from fwibench.runs.planning.plan import PlannedCell, make_plan
from fwibench.runs.planning.request import Request
from fwibench.text.readable import counted, format_options, show_count, show_seconds

if TYPE_CHECKING:
    from fwibench.datasets.base import Dataset
    from fwibench.runs.planning.probe import Probed

Timed = Annotated[
    bool,
    typer.Option("--probe", help="Time a few steps with synthetic samples where no finished cell tells the time."),
]
HEADER = ("method", "options", "seed", "state", "time", "memory", "basis")


@takes_request
def plan(request: Request, registry: Registry, probe: Timed = False, save: Save = None, json: Json = False) -> None:
    """List the cells of `run` with the same options, their state, and estimates of time, memory and disk space."""
    with working(PLANNING):
        planned = make_plan(request, registry)
    if save is not None:
        write_experiment(request, save, registry)
    print_plan(planned, request, registry, probe=probe, json=json)


def print_plan(
    planned: Sequence[PlannedCell], request: Request, registry: Registry, *, probe: bool = False, json: bool = False
) -> None:
    """Print cells, their state, and estimates of time, memory and disk space.

    Args:
        planned: The cells.
        request: What they have in common.
        registry: Registry of methods and datasets.
        probe: Whether a few steps are timed where no finished cell tells the time.
        json: Whether JSON is printed instead of tables.
    """
    estimator = Estimator(registry, Results(request.results).records()[0], request.device)
    probed = _probe(planned, estimator) if probe else None
    cells = [(one, estimator.estimate(one)) for one in planned]
    data = [_describe_data(dataset, probed) for dataset in datasets_to_prepare(planned)]
    places = count_places(planned, request, registry)
    total = whole(cells, places, [entry["seconds"] for entry in data])
    space = disks(planned, request.results)
    if json:
        print_json(
            {
                "cells": [_describe(*one) for one in cells],
                "data": data,
                "disk_bytes": sum(entry["bytes"] for entry in data),
                "disks": [{**vars(one), "enough": one.enough} for one in space],
                "whole": {**vars(total), "at_a_time": places},
            }
        )
    else:
        _print_cells(cells)
        _print_data(data)
        print_line(_whole_line(total, places, probe=probe))
    for line in _warnings(cells, space, probed):
        warn(line)


def _probe(planned: Sequence[PlannedCell], estimator: Estimator) -> Probed:
    """Return the results of the probes, which the estimator uses from then on."""
    from fwibench.runs.planning.probe import probe

    with working("timing a few steps of each method"):
        probed = probe(planned, estimator)
    estimator.use(probed.cells)
    return probed


def _describe(one: PlannedCell, found: Estimate) -> dict[str, Any]:
    state = f"{found.state}: {found.reason}" if found.reason else found.state
    return {
        "cell": one.cell.run_id,
        "method": one.cell.method,
        "dataset": one.cell.dataset,
        "test_dataset": one.cell.tested_on.dataset if one.cell.tested_on else None,
        "seed": one.cell.seed,
        "options": format_options(one.chosen),
        "state": state,
        "time": show_seconds(found.seconds),
        "basis": found.basis,
        "seconds": found.seconds,
        "memory_bytes": found.memory,
        "memory_measured": found.measured,
    }


def _describe_data(dataset: Dataset, probed: Probed | None) -> dict[str, Any]:
    size = dataset.missing_bytes()
    problem = dataset.problem
    sample = 4 * (math.prod(problem.measurement_shape) + math.prod(problem.property_shape))
    samples = round(size / sample)
    each = probed.samples.get(dataset.folder) if probed else None
    return {
        "dataset": dataset.selection,
        "samples": samples,
        "bytes": size,
        "seconds": None if each is None else each * samples,
        "folder": dataset.folder,
    }


def _print_cells(cells: Sequence[tuple[PlannedCell, Estimate]]) -> None:
    groups: dict[str, list[list[str]]] = {}
    for one, found in cells:
        cell = one.cell
        row = [
            cell.method,
            format_options(one.chosen),
            str(cell.seed),
            found.state,
            show_seconds(found.seconds),
            _show_memory(found),
            found.reason or found.basis,
        ]
        tested = f", tested on {one.dataset.selection}" if cell.tested_on else ""
        title = f"{one.method_dataset.selection}{tested}, split {cell.split}, profile {cell.profile}"
        groups.setdefault(title, []).append(row)
    for title, rows in groups.items():
        shown = [i for i, name in enumerate(HEADER) if name != "options" or any(row[i] for row in rows)]
        header = [HEADER[i] for i in shown]
        print_table(title, header, [[row[i] for i in shown] for row in rows], ("seed", "time", "memory"), ("memory",))


def _print_data(data: Sequence[dict[str, Any]]) -> None:
    if not data:
        print_line("all data are prepared")
        return
    rows = [
        [entry["dataset"], str(entry["samples"]), f"{show_count(entry['bytes'])}B", show_seconds(entry["seconds"])]
        for entry in data
    ]
    print_table("data to prepare", ("dataset", "samples", "disk", "time"), rows, ("samples", "disk", "time"))


def _whole_line(total: Whole, places: int, *, probe: bool) -> str:
    if not total.unknown:
        order = "one cell after the other" if places == 1 else f"{places} cells at a time that do not slow each other"
        return f"the whole, {order}: {show_seconds(total.seconds)}"
    known = f"at least {show_seconds(total.seconds)}" if total.seconds else "not known"
    hint = "their methods state no probe" if probe else "--probe times a few steps of each"
    return f"the whole: {known}; {counted(total.unknown, 'time')} not known, {hint}"


def _show_memory(found: Estimate) -> str:
    return "" if found.memory is None else f"{'' if found.measured else '>'}{show_count(found.memory)}B"


def _warnings(cells: Sequence[tuple[PlannedCell, Estimate]], space: Sequence[Disk], probed: Probed | None) -> list[str]:
    lines = [
        f"{', '.join(one.what)} need {one.needed / 1e9:.2f} GB on the disk of {one.folder}, "
        f"{one.free / 1e9:.2f} GB are free: make room, or point FWIBENCH_DATA and --results at larger disks"
        for one in space
        if not one.enough
    ]
    lines += dict.fromkeys(found.fault for _, found in cells if found.fault)
    memory = physical_memory()
    lines += [
        f"{one.cell.method} on {one.cell.place} needs {show_count(found.memory)}B of memory, "
        f"this machine has {show_count(memory)}B"
        for one, found in cells
        if memory is not None and found.memory is not None and found.memory > memory
    ]
    return [*lines, *(probed.faults if probed else ())]
