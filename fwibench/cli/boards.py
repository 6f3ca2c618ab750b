"""`leaderboard` and `compare`: commands that hold methods against each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from fwibench.cli.console.output import print_json
from fwibench.cli.options import Exports, Json
from fwibench.cli.options import Results as ResultsOption
from fwibench.cli.records import read_records
from fwibench.cli.registry import open_registry
from fwibench.cli.tables import print_comparisons, print_leaderboard, print_notes
from fwibench.errors import UsageError
from fwibench.leaderboard.board import SCORES, make_board, sort_rows
from fwibench.leaderboard.choosing import Compared, compare_all, compare_with, records_of
from fwibench.leaderboard.export import check_formats, export
from fwibench.leaderboard.presenting import units_of
from fwibench.leaderboard.published import with_published
from fwibench.runs.artefacts.results import Results
from fwibench.specs.metric import MetricSpec

Dataset = Annotated[str, typer.Option("--dataset", "-d", metavar="NAME", help="Only on this dataset.")]
Split = Annotated[str, typer.Option(metavar="NAME", help="Only with this split scheme.")]
Profile = Annotated[str, typer.Option(metavar="NAME", help="Only with this profile.")]


def leaderboard(
    results: ResultsOption = Path("results"),
    dataset: Dataset = "",
    split: Split = "",
    profile: Profile = "",
    sort: Annotated[
        str, typer.Option(metavar="COLUMN", help="Sort each table by a column, best first; -COLUMN turns it round.")
    ] = "",
    common: Annotated[
        bool, typer.Option("--common", help="Score methods on the test samples that all of them have.")
    ] = False,
    baseline: Annotated[
        str, typer.Option(metavar="METHOD", help="Also compare every method with this one, by MAE.")
    ] = "",
    published: Annotated[
        bool, typer.Option("--published", help="Also show what publications print, not ranked.")
    ] = False,
    exports: Exports = None,
    json: Json = False,
) -> None:
    """Rank all methods in a results folder, each dataset, split, track and profile by itself."""
    registry = open_registry() if exports or published or baseline else None
    if registry is not None:
        check_formats(exports or [], registry)
    sort_rows([], sort or "rank")
    folder = Results(results)
    records = records_of(read_records(folder), dataset, split, profile)
    board = make_board(records, folder.scores, common=common)
    rows = sort_rows(board.rows, sort) if sort else board.rows
    notes = board.notes
    if published and registry is not None:
        rows = with_published(rows, registry)
        notes = [*notes, "published figures are as printed; info METHOD --dataset NAME says how they were counted"]
    compared, faults = compare_with(board.lines, baseline, "mae") if baseline else ([], [])
    units = units_of(rows)
    mae = registry.metric("mae").spec if registry is not None and baseline else None
    if json:
        print_json({"rows": rows, "comparisons": _as_json(compared, mae)} if mae else rows)
    else:
        print_leaderboard(rows, units, board.busy)
        if mae:
            _print(compared, mae)
    print_notes([*notes, *faults])
    if registry is not None:
        for path in exports or []:
            export(rows, units, path, registry)


def compare(
    methods: Annotated[
        list[str], typer.Argument(metavar="METHOD METHOD...", help="Names, with options as the leaderboard shows them.")
    ],
    dataset: Dataset = "",
    split: Split = "",
    profile: Profile = "",
    metric: Annotated[str, typer.Option(help="Metric whose scores are compared.")] = "mae",
    results: ResultsOption = Path("results"),
    json: Json = False,
) -> None:
    """Compare methods in pairs, sample by sample: difference, interval, signed-rank test, effect size."""
    if len(set(methods)) < 2:
        raise UsageError("two methods or more are compared", "fwibench leaderboard shows which there are")
    registry = open_registry()
    metric = SCORES.get(metric, metric)
    spec = registry.metric(metric).spec
    folder = Results(results)
    records = records_of(read_records(folder), dataset, split, profile)
    board = make_board(records, folder.scores, metrics=[metric])
    compared, faults = compare_all(board.lines, list(dict.fromkeys(methods)), metric)
    if json:
        print_json(_as_json(compared, spec))
    else:
        _print(compared, spec)
    print_notes(faults)


def _print(compared: Sequence[Compared], metric: MetricSpec) -> None:
    for one in compared:
        title = f"{one.title}: {metric.name}, {metric.better} is better"
        print_comparisons(title, one.comparisons, _unit(one, metric), metric.better)


def _as_json(compared: Sequence[Compared], metric: MetricSpec) -> list[dict[str, Any]]:
    return [
        {**one.place, "unit": _unit(one, metric), **asdict(pair), "better": pair.verdict(metric.better)}
        for one in compared
        for pair in one.comparisons
    ]


def _unit(one: Compared, metric: MetricSpec) -> str:
    """Unit of a metric in a place; empty for a pure number."""
    return {"property": one.unit, "property^2": f"({one.unit})^2"}.get(metric.unit, "")


def register(app: typer.Typer) -> None:
    """Adds the commands."""
    app.command()(leaderboard)
    app.command()(compare)
