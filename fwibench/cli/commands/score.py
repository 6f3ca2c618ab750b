"""`score`: score predictions that were made elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fwibench.api.runs import rank
from fwibench.api.score import score_with
from fwibench.boards.columns import columns_of
from fwibench.cli.console.leaderboards import print_leaderboard, print_notes
from fwibench.cli.console.output import print_json, print_line, warn
from fwibench.cli.options import DatasetProfile, Json
from fwibench.cli.options import Results as ResultsOption
from fwibench.cli.registry import open_registry
from fwibench.files.atomic import check_folder
from fwibench.runs.artefacts.results import Results
from fwibench.runs.external.score import check_replacement
from fwibench.text.amounts import parse_names


def score(
    predictions: Annotated[
        Path,
        typer.Argument(
            help="Maps of all test samples, (n, 1, Z, X) or (n, Z, X), in the unit of the property: .npy in the order "
            "of the split, or .npz, .h5 or .zarr, which may hold the ids of the samples as `ids`."
        ),
    ],
    dataset: Annotated[
        str, typer.Option("--dataset", "-d", help="Dataset that they are of, with options in brackets: salt[snr=10].")
    ],
    name: Annotated[str, typer.Option("--name", help="Name of the method in tables, such as our-network.")],
    split: Annotated[str | None, typer.Option(help="Split scheme; default: the first of the dataset.")] = None,
    profile: DatasetProfile = "quick",
    seed: Annotated[int, typer.Option(min=0, help="Number of the repetition, for predictions of several seeds.")] = 0,
    meta: Annotated[
        Path | None,
        typer.Option(help="TOML file with the version of the method, its reference, track, and costs as stated."),
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option(help="File with the truth, from data export-inputs --hidden-truth; default: that of the dataset."),
    ] = None,
    metrics: Annotated[str, typer.Option(help="Compute these metrics too, separated by commas.")] = "",
    results: ResultsOption = Path("results"),
    force: Annotated[
        bool, typer.Option("--force", help="Replace other predictions of the same name, version and seed.")
    ] = False,
    json: Json = False,
) -> None:
    """Score predictions that were made elsewhere: they become a record beside the runs of methods."""
    registry = open_registry()
    check_folder(results / "runs")
    evaluation = score_with(
        registry,
        predictions,
        dataset,
        name,
        split=split,
        profile=profile,
        seed=seed,
        meta=meta,
        truth=truth,
        metrics=tuple(parse_names(metrics)),
    )
    record = evaluation.record
    if not force:
        check_replacement(record, Results(results))
    for note in record.notes:
        warn(note)
    folder = evaluation.save(results)
    if json:
        print_json(record.model_dump(mode="json"))
        return
    board = rank([record], results, columns_of(registry))
    print_leaderboard(board.rows)
    print_notes(board.notes)
    print_line(f"record in {folder}; fwibench leaderboard ranks it with the other runs in {results}")
