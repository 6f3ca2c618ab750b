"""`merge`, `diff` and `rescore`: commands on whole folders of results."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from fwibench.cli.output import console, open_registry, print_json, print_table, warn
from fwibench.cli.reading import read_records
from fwibench.cli.request import Json
from fwibench.cli.request import Results as ResultsOption
from fwibench.errors import DataError, UnknownNameError
from fwibench.runs.artefacts.differences import TOLERANCE, find_differences
from fwibench.runs.artefacts.results import Results
from fwibench.runs.folders.merge import Rule
from fwibench.runs.folders.merge import merge as merge_folders
from fwibench.text.readable import show_number


def merge(
    sources: Annotated[list[Path], typer.Argument(metavar="FOLDER...", help="Folders of results.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="Folder that receives all runs; runs that it has take part.")
    ],
    duplicates: Annotated[
        Rule,
        typer.Option(help="Which record of a cell is kept, ok ones always first; refuse: stop if there are several."),
    ] = "newest",
    json: Json = False,
) -> None:
    """Join result folders of several machines in one; of a cell that several have, the newest ok record is kept."""
    done = merge_folders(sources, output, duplicates)
    for line in [*done.faults, *done.left, *(f"results differ of {line}" for line in done.differing)]:
        warn(line)
    if json:
        print_json(asdict(done))
    else:
        console().print(
            f"{done.runs} runs in {output}, {done.copied} of them copied; {done.duplicates} duplicates, "
            f"{len(done.differing)} of them with other results",
            markup=False,
            soft_wrap=True,
        )
    if done.left:
        raise typer.Exit(1)


def diff(
    first: Annotated[Path, typer.Argument(help="Folder of results.")],
    second: Annotated[Path, typer.Argument(help="Another one.")],
    tolerance: Annotated[
        float, typer.Option(min=0, help="Relative difference of scores that counts as none.")
    ] = TOLERANCE,
    json: Json = False,
) -> None:
    """Show what differs between two result folders: cells, status, scores; exit code 1 if anything does."""
    found = find_differences(read_records(Results(first)), read_records(Results(second)), tolerance)
    if json:
        changes = [{**asdict(one), "size": one.size, "relative": one.relative} for one in found.changes]
        print_json({**asdict(found), "changes": changes, "equal": found.equal})
    else:
        for folder, runs in ((first, found.only_first), (second, found.only_second)):
            if runs:
                print_table(f"only in {folder}", ("run",), [[run] for run in runs])
        if found.changes:
            numbers = ("first", "second", "difference", "relative")
            rows = [
                [
                    one.run,
                    one.what,
                    *(_text(value) for value in (one.first, one.second, one.size)),
                    "" if one.relative is None else f"{one.relative:+.2e}",
                ]
                for one in found.changes
            ]
            print_table("in both, different", ("run", "what", *numbers), rows, right=numbers)
        cells = {0: "no cell is", 1: "1 cell is"}.get(found.same, f"{found.same} cells are")
        console().print(f"{cells} the same in both")
    if not found.equal:
        raise typer.Exit(1)


def rescore(
    runs: Annotated[
        list[str] | None, typer.Argument(metavar="RUN...", help="Only these runs; a part of a name will do.")
    ] = None,
    metrics: Annotated[
        str, typer.Option(help="Names, separated by commas; by default all that are computed without being asked for.")
    ] = "",
    results: ResultsOption = Path("results"),
    json: Json = False,
) -> None:
    """Compute metrics again from the stored predictions of finished runs, for instance one that came later."""
    registry = open_registry()
    names = [name.strip() for name in metrics.split(",") if name.strip()]
    for name in names:
        registry.metric(name)
    names = names or [name for name, offer in registry.metrics.items() if offer.spec.default]
    folder = Results(results)
    finished = [record for record in read_records(folder) if record.status == "ok"]
    for run in runs or []:
        if not any(run in record.run_id for record in finished):
            raise UnknownNameError.among("finished run", run, [record.run_id for record in finished])
    wanted = [one for one in finished if not runs or any(run in one.run_id for run in runs)]
    if not wanted:
        raise DataError(f"there are no finished runs in {results}", "fwibench status shows what there is")
    from fwibench.runs.folders.rescore import rescore_runs

    rows, faults = [], 0
    records = {folder.folder(record.cell).absolute(): record for record in wanted}
    for done in rescore_runs(list(records.items()), names, registry):
        record = records[done.folder]
        if done.error:
            warn(f"{record.run_id} keeps its scores: {done.error}; {done.hint}")
            faults += 1
            continue
        for line in done.failures:
            warn(f"{record.run_id}: {line}")
        faults += len(done.failures)
        rows += [(record.run_id, name, record.scores.get(name), done.scores.get(name)) for name in names]
    if json:
        print_json([dict(zip(("run", "metric", "before", "now"), row, strict=True)) for row in rows])
    else:
        texts = [[run, name, show_number(before, 6), show_number(now, 6)] for run, name, before, now in rows]
        print_table("", ("run", "metric", "before", "now"), texts, right=("before", "now"))
    if faults:
        raise typer.Exit(1)


def _text(value: str | float | None) -> str:
    return show_number(value, 6) if isinstance(value, float) else value or ""


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    for command in (merge, diff, rescore):
        app.command()(command)
