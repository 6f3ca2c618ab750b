"""`compare`: methods in pairs, sample by sample."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fwibench.api.runs import rank
from fwibench.boards.columns import columns_of
from fwibench.boards.pairwise import compare_all
from fwibench.boards.repetitions import select_records
from fwibench.boards.rows import Column, Columns
from fwibench.cli.console.leaderboards import compared_as_json, print_compared, print_notes
from fwibench.cli.console.output import print_json
from fwibench.cli.options import Json, OnDataset, OnProfile, OnSplit
from fwibench.cli.options import Results as ResultsOption
from fwibench.cli.records import read_records
from fwibench.cli.registry import open_registry
from fwibench.errors import UsageError
from fwibench.plugins.registry import Registry
from fwibench.runs.artefacts.results import Results


def compare(
    methods: Annotated[
        list[str], typer.Argument(metavar="METHOD METHOD...", help="Names, with options as the leaderboard shows them.")
    ],
    dataset: OnDataset = "",
    split: OnSplit = "",
    profile: OnProfile = "",
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
    records = select_records(read_records(Results(results), history=False), dataset, split, profile)
    board = rank(records, results, columns, metrics=[column.metric])
    compared, faults = compare_all(board.lines, list(dict.fromkeys(methods)), column)
    if json:
        print_json(compared_as_json(compared))
    else:
        print_compared(compared)
    print_notes(faults)


def _column(name: str, columns: Columns, registry: Registry) -> Column:
    """Return the column of a metric, by the name of either."""
    known = {column.key: metric for metric, column in columns.metrics.items()}
    return columns.metrics[registry.metric(known.get(name, name)).spec.name]
