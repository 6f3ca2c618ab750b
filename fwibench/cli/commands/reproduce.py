"""`reproduce`: run a finished run again and compare the results."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from fwibench.api.progress import make_listener
from fwibench.boards.columns import columns_of
from fwibench.cli.console.output import errors, print_json, print_line, print_table, warn
from fwibench.cli.options import Device, Json, Run, Tolerance, check_results
from fwibench.cli.options import Results as ResultsOption
from fwibench.cli.registry import open_registry
from fwibench.runs.artefacts.differences import TOLERANCE
from fwibench.runs.artefacts.record import Record
from fwibench.runs.artefacts.results import Results
from fwibench.runs.execution.engines.choice import open_engine
from fwibench.runs.execution.run import run_plan
from fwibench.runs.machine.devices import check_device
from fwibench.runs.reproduction import repeat as repeating
from fwibench.runs.reproduction.command import request_of, words_of
from fwibench.text.readable import as_utf8, printable, show_number


def reproduce(
    run: Run,
    results: ResultsOption = Path("results"),
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="New results folder for the second run; default: RESULTS/reproduced/RUN."),
    ] = None,
    show: Annotated[bool, typer.Option("--print", help="Print the command without running it.")] = False,
    tolerance: Tolerance = TOLERANCE,
    device: Device = "auto",
    json: Json = False,
) -> None:
    """Run the command of a finished run again in a new folder and compare the results; exit code 1 if they differ."""
    check_device(device)
    check_results(results)
    folder = Results(results).run(run)
    record, base = repeating.read_run(folder, to_run=not show)
    registry = open_registry()
    target = repeating.fresh_folder(results, folder.name, output)
    asked = ("fwibench", *map(as_utf8, sys.argv[1:]))
    request = replace(request_of(record, base, registry), results=target, device=device, command=asked)
    where = {"results": str(target), **({} if device == "auto" else {"device": device})}
    command = words_of(request, [one.cell for one in (record, base) if one], **where)
    plan, obstacles = repeating.plan_again(request, record, base, registry)
    facts: dict[str, Any] = {"run": record.run_id, "command": command, "obstacles": obstacles}
    if not json:
        print_line(shlex.join(command))
    for line in obstacles:
        warn(line)
    if show or obstacles:
        if obstacles and not json:
            warn("this installation cannot reproduce the run exactly; the command runs it with the present versions")
        if json:
            print_json(facts)
        raise typer.Exit(0 if show else 1)
    with (
        repeating.same_fit(record, *repeating.read_needed(folder, record)),
        make_listener(errors(), columns_of(registry).ranking) as listener,
        open_engine(plan, request, registry) as engine,
    ):
        outcome = run_plan(plan, request, registry, listener, engine)
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
        warn(f"there is no metric named '{name}' in this installation; its score is not compared")
    if found.environment:
        differing = [[one.what, str(one.first), str(one.second)] for one in found.environment]
        print_table("differences in the environment", ("what", "record", "again"), differing)
    for line in _verdict(first, second, found, tolerance):
        print_line(line)


def _verdict(first: Record, second: Record, found: repeating.Comparison, tolerance: float) -> Iterable[str]:
    if found.predictions != "not stored":
        largest = f", by at most {show_number(found.largest)} {first.unit}" if found.largest else ""
        same = "are bitwise equal" if found.predictions == "equal" else f"differ{largest}"
        yield f"predictions {same}"
    if not found.comparable:
        yield "cannot be compared: no metric of the record exists in this installation"
    elif not found.agrees and first.status != second.status:
        ends = [f"{one.status}{f' ({one.reason})' if one.reason else ''}" for one in (first, second)]
        yield printable(f"does not agree: the record is {ends[0]}, the second run is {ends[1]}")
    elif not found.agrees and first.status != "ok":
        reasons = f"record: {first.reason}; second run: {second.reason}"
        yield printable(f"does not agree: both are {first.status}, for different reasons; {reasons}")
    elif not found.agrees:
        yield f"does not agree: {len(found.changes)} of {len(found.scores)} scores differ by more than {tolerance:g}"
    elif first.status != "ok":
        yield printable(f"agrees: both are {first.status} ({first.reason}; {second.reason})")
    else:
        exact = all(one.first == one.second for one in found.scores)
        yield f"agrees: {len(found.scores)} scores are {'equal' if exact else f'within {tolerance:g}'}"
