"""`study show`: the tables, claims and figures of a study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fwibench.boards.columns import columns_of
from fwibench.cli.console.output import print_json, print_line, warn
from fwibench.cli.console.studies import print_studies
from fwibench.cli.options import Json, check_results
from fwibench.cli.options import Results as ResultsOption
from fwibench.cli.registry import open_registry
from fwibench.cli.studies import Datasets, Name, StudyProfile, choose_studies
from fwibench.errors import UsageError
from fwibench.files.atomic import check_folder
from fwibench.runs.artefacts.results import Results
from fwibench.studies.results import read_results

Exports = Annotated[
    list[Path] | None,
    typer.Option("--export", metavar="FILE", help="Also write it to FILE.csv, .json, .md, .tex or .html. Repeatable."),
]
FigureFile = Annotated[
    Path | None, typer.Option("--figure", metavar="FILE", help="Draw the figure of the study to FILE.png or .svg.")
]


def show(
    name: Name,
    datasets: Datasets = "",
    profile: StudyProfile = "quick",
    seeds: Annotated[
        int | None, typer.Option(min=1, help="Number of repetitions; default: that of the study's profile.")
    ] = None,
    results: ResultsOption = Path("results"),
    exports: Exports = None,
    figure: FigureFile = None,
    json: Json = False,
) -> None:
    """Show what is finished of a study as its publication prints it, and judge its claims; exit code 1 with gaps."""
    # imported when needed: every command imports this module
    from fwibench.report.study.document import Document, as_data, check_suffix
    from fwibench.report.study.files import write_exports, write_figures

    registry = open_registry()
    check_results(results)
    for path in exports or []:
        check_suffix(path)
        check_folder(path.parent)
    chosen = choose_studies(registry, name, datasets, profile, seeds, results=results)
    if len(chosen.plans) > 1 and (exports or figure):
        raise UsageError(f"{name} is a collection, a file holds one study", "name the study")
    folder, columns = Results(results), columns_of(registry)
    found = [read_results(plan, folder, columns) for plan in chosen.plans]
    for fault in dict.fromkeys(fault for one in found for fault in one.faults):
        warn(fault)
    if json:
        print_json([as_data(Document(one)) for one in found])
    else:
        print_studies(found)
    for one in found[:1]:
        written = write_exports(one, exports or [], folder, registry)
        written += write_figures(one, figure, folder, registry) if figure else []
        if not json and written:
            print_line("wrote " + ", ".join(map(str, written)))
    raise typer.Exit(int(any(one.gaps for one in found)))
