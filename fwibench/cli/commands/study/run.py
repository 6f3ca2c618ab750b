"""`study run`: run the cells of a study."""

from __future__ import annotations

import typer

from fwibench.api.progress import make_listener
from fwibench.api.studies import run_studies, score_finished
from fwibench.boards.columns import columns_of
from fwibench.cli.console.output import errors, print_json, print_line, warn
from fwibench.cli.console.studies import print_studies
from fwibench.cli.options import Json, with_options
from fwibench.cli.studies import ChosenStudies, choose_studies
from fwibench.files.atomic import check_folder
from fwibench.plugins.registry import Registry
from fwibench.runs.artefacts.results import Results
from fwibench.studies.planning import all_cells
from fwibench.studies.results import read_results
from fwibench.text.readable import counted, show_seconds


@with_options(choose_studies)
def run(chosen: ChosenStudies, registry: Registry, json: Json = False) -> None:
    """Run a study, or all studies of a collection, and print their tables; finished cells are not run again."""
    request, columns = chosen.request, columns_of(registry)
    check_folder(request.results / "runs")
    with make_listener(errors(), columns.ranking) as listener:
        outcome = run_studies(chosen.plans, request, registry, listener)
    results = Results(request.results)
    for line in score_finished(chosen.plans, results, registry):
        warn(line)
    found = [read_results(plan, results, columns) for plan in chosen.plans]
    incomplete = any(one.gaps for one in found)
    code = outcome.exit_code or int(incomplete)
    if json:
        from fwibench.report.study.document import Document, as_data

        print_json({"exit_code": code, "studies": [as_data(Document(one)) for one in found]})
    else:
        print_studies(found)
        cells = counted(len(all_cells(chosen.plans)), "cell")
        print_line(f"{cells} in {show_seconds(outcome.wall_s)}, records in {request.results / 'runs'}")
    raise typer.Exit(code)
