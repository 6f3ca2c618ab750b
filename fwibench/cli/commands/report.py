"""`report`: write a results folder as one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fwibench.boards.repetitions import select_records
from fwibench.cli.console.output import console, warn
from fwibench.cli.options import OnDataset, Published, check_results
from fwibench.cli.options import Results as ResultsOption
from fwibench.cli.registry import open_registry
from fwibench.errors import DataError
from fwibench.runs.artefacts.results import Results
from fwibench.text.amounts import parse_names
from fwibench.text.readable import printable


def report(
    results: ResultsOption = Path("results"),
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The page, FILE.html.")] = Path(
        "report.html"
    ),
    title: Annotated[str, typer.Option(metavar="TEXT", help="Heading of the page.")] = "Leaderboard",
    dataset: OnDataset = "",
    published: Published = False,
    max_samples: Annotated[
        int, typer.Option(metavar="N", min=0, help="Samples of a dataset in the viewer; 0: no viewer, no panels.")
    ] = 6,
    studies: Annotated[
        str, typer.Option("--study", metavar="NAMES", help="Also show these studies, separated by commas.")
    ] = "",
) -> None:
    """Write a results folder as one self-contained HTML page: tables, figures, a viewer of samples."""
    # drawing imports matplotlib
    from fwibench.report.page.page import PageOptions, check_path, write_page
    from fwibench.report.sources import Sources

    check_path(output)
    check_results(results)
    folder = Results(results)
    records, unread = folder.records()
    if not records:
        raise DataError(
            f"there are no records in {results}" + (f": {unread[0]}" if unread else ""),
            "run fwibench run first, or name another folder with --results",
        )
    sources = Sources(folder, select_records(records, dataset), open_registry())
    size = write_page(sources, output, PageOptions(title, published, max_samples, unread, parse_names(studies)))
    for fault in (*unread, *sources.faults):
        warn(f"left out: {fault}")
    text = f"{output}: {len(sources.records)} runs, {len(sources.board.rows)} rows, {size / 1e6:.1f} MB"
    console().print(printable(text), markup=False, soft_wrap=True)
