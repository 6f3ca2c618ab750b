"""`leaderboard` and `compare`: commands that rank and compare methods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from fwibench.boards.board import make_board, sort_rows
from fwibench.boards.columns import columns_of
from fwibench.boards.export import check_formats, export
from fwibench.boards.pairwise import Compared, compare_all, compare_with
from fwibench.boards.published import with_published
from fwibench.boards.repetitions import select_records
from fwibench.boards.rows import Column, Columns
from fwibench.cli.console.output import print_json
from fwibench.cli.options import Exports, Json
from fwibench.cli.options import Results as ResultsOption
from fwibench.cli.records import read_records
from fwibench.cli.registry import open_registry
from fwibench.cli.tables import print_comparisons, print_leaderboard, print_notes
from fwibench.errors import UsageError
from fwibench.plugins.registry import Registry
from fwibench.runs.artefacts.results import Results

Dataset = Annotated[str, typer.Option("--dataset", "-d", metavar="NAME", help="Only on this dataset.")]
Split = Annotated[str, typer.Option(metavar="NAME", help="Only with this split scheme.")]
Profile = Annotated[str, typer.Option(metavar="NAME", help="Only with this profile.")]


def leaderboard(
    results: ResultsOption = Path("results"),
    dataset: Dataset = "",
    split: Split = "",
    profile: Profile = "",
    sort: Annotated[
        str, typer.Option(metavar="COLUMN", help="Sort each table by a column, best first; -COLUMN reverses the order.")
    ] = "",
    common: Annotated[
        bool, typer.Option("--common", help="Score methods on the test samples that all of them have.")
    ] = False,
    baseline: Annotated[
        str, typer.Option(metavar="METHOD", help="Also compare every method with this one, by the ranking metric.")
    ] = "",
    published: Annotated[bool, typer.Option("--published", help="Also show published numbers, not ranked.")] = False,
    exports: Exports = None,
    json: Json = False,
) -> None:
    """Rank all methods in a results folder, each dataset, split, track and profile by itself."""
    registry = open_registry()
    check_formats(exports or [], registry)
    columns = columns_of(registry)
    sort_rows([], sort or columns.ranking.key, columns)
    folder = Results(results)
    records = select_records(read_records(folder), dataset, split, profile)
    board = make_board(records, columns, folder.scores, common=common)
    rows = sort_rows(board.rows, sort, columns) if sort else board.rows
    notes = board.notes
    if published:
        rows = with_published(rows, registry)
        notes = [*notes, "published numbers are as printed; info METHOD --dataset NAME says how they were counted"]
    compared, faults = compare_with(board.lines, baseline, columns.ranking) if baseline else ([], [])
    if json:
        plain = [dict(row) for row in rows]
        print_json({"rows": plain, "comparisons": _as_json(compared)} if baseline else plain)
    else:
        print_leaderboard(rows)
        _print(compared)
    print_notes([*notes, *faults])
    for path in exports or []:
        export(rows, path, registry)


def compare(
    methods: Annotated[
        list[str], typer.Argument(metavar="METHOD METHOD...", help="Names, with options as the leaderboard shows them.")
    ],
    dataset: Dataset = "",
    split: Split = "",
    profile: Profile = "",
    metric: Annotated[str, typer.Option(help="Metric that is compared; by default the one that ranks.")] = "",
    results: ResultsOption = Path("results"),
    json: Json = False,
) -> None:
    """Compare methods in pairs, sample by sample: difference, interval, signed-rank test, effect size."""
    if len(set(methods)) < 2:
        raise UsageError("two methods or more are compared", "fwibench leaderboard lists the methods")
    registry = open_registry()
    columns = columns_of(registry)
    column = _column(metric, columns, registry) if metric else columns.ranking
    folder = Results(results)
    records = select_records(read_records(folder), dataset, split, profile)
    board = make_board(records, columns, folder.scores, metrics=[column.metric])
    compared, faults = compare_all(board.lines, list(dict.fromkeys(methods)), column)
    if json:
        print_json(_as_json(compared))
    else:
        _print(compared)
    print_notes(faults)


def _column(name: str, columns: Columns, registry: Registry) -> Column:
    """The column of a metric, by the name of either."""
    known = {column.key: metric for metric, column in columns.metrics.items()}
    return columns.metrics[registry.metric(known.get(name, name)).spec.name]


def _print(compared: Sequence[Compared]) -> None:
    for one in compared:
        title = f"{one.setting.title}: {one.column.metric}, {one.column.better} is better"
        print_comparisons(title, one.comparisons, one.unit, one.column.better)


def _as_json(compared: Sequence[Compared]) -> list[dict[str, Any]]:
    return [
        {**one.setting._asdict(), "unit": one.unit, **asdict(pair), "better": pair.verdict(one.column.better)}
        for one in compared
        for pair in one.comparisons
    ]


def register(app: typer.Typer) -> None:
    """Register the commands."""
    app.command()(leaderboard)
    app.command()(compare)
