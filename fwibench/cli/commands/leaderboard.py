"""`leaderboard`: all methods of a results folder, ranked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fwibench.api.runs import rank
from fwibench.boards.board import sort_rows
from fwibench.boards.columns import columns_of
from fwibench.boards.export import check_formats, export
from fwibench.boards.pairwise import compare_with
from fwibench.boards.published import with_published
from fwibench.boards.repetitions import select_records
from fwibench.cli.console.leaderboards import compared_as_json, print_compared, print_leaderboard, print_notes
from fwibench.cli.console.output import print_json
from fwibench.cli.options import Exports, Json, OnDataset, OnProfile, OnSplit, Published
from fwibench.cli.options import Results as ResultsOption
from fwibench.cli.records import read_records
from fwibench.cli.registry import open_registry
from fwibench.runs.artefacts.results import Results


def leaderboard(
    results: ResultsOption = Path("results"),
    dataset: OnDataset = "",
    split: OnSplit = "",
    profile: OnProfile = "",
    sort: Annotated[
        str, typer.Option(metavar="COLUMN", help="Sort each table by a column, best first; -COLUMN reverses the order.")
    ] = "",
    common: Annotated[
        bool, typer.Option("--common", help="Score methods on the test samples that all of them have.")
    ] = False,
    baseline: Annotated[
        str, typer.Option(metavar="METHOD", help="Also compare every method with this one, by the ranking metric.")
    ] = "",
    published: Published = False,
    exports: Exports = None,
    json: Json = False,
) -> None:
    """Rank all methods in a results folder, each dataset, split, track and profile by itself."""
    registry = open_registry()
    check_formats(exports or [], registry)
    columns = columns_of(registry)
    sort_rows([], sort or columns.ranking.key, columns)
    records = select_records(read_records(Results(results), history=False), dataset, split, profile)
    board = rank(records, results, columns, common=common)
    rows = sort_rows(board.rows, sort, columns) if sort else board.rows
    notes = board.notes
    if published:
        rows = with_published(rows, registry)
        notes = [*notes, "published numbers are as printed; info METHOD --dataset NAME says how they were counted"]
    compared, faults = compare_with(board.lines, baseline, columns.ranking) if baseline else ([], [])
    if json:
        plain = [dict(row) for row in rows]
        print_json({"rows": plain, "comparisons": compared_as_json(compared)} if baseline else plain)
    else:
        print_leaderboard(rows)
        print_compared(compared)
    print_notes(list(dict.fromkeys([*notes, *faults])))
    for path in exports or []:
        export(rows, path, registry)
