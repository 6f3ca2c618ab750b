"""`rescore`: compute metrics from the stored predictions of finished runs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fwibench.cli.console.output import print_json, print_table, warn
from fwibench.cli.options import Json
from fwibench.cli.options import Results as ResultsOption
from fwibench.cli.records import read_records
from fwibench.cli.registry import open_registry
from fwibench.errors import DataError, UnknownNameError
from fwibench.runs.artefacts.results import Results
from fwibench.text.amounts import parse_names
from fwibench.text.readable import show_number


def rescore(
    runs: Annotated[
        list[str] | None,
        typer.Argument(metavar="RUN...", help="Names of runs, or parts of names; default: all finished runs."),
    ] = None,
    metrics: Annotated[
        str, typer.Option(help="Metrics, separated by commas; default: those that run computes by default.")
    ] = "",
    results: ResultsOption = Path("results"),
    json: Json = False,
) -> None:
    """Compute metrics, such as a newly installed one, from the stored predictions of finished runs."""
    registry = open_registry()
    names = parse_names(metrics)
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
        raise DataError(f"there are no finished runs in {results}", "list the runs with fwibench status")
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
