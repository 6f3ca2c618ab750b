"""`data export-inputs`: what is needed to predict a dataset elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fwibench.api.datasets import make_samples
from fwibench.cli.console.output import print_line, warn
from fwibench.cli.options import DatasetProfile
from fwibench.cli.registry import open_registry
from fwibench.runs.external.inputs import check_output
from fwibench.runs.external.inputs import export_inputs as write_inputs
from fwibench.runs.external.targets import target_of, write_truth
from fwibench.runs.opening.datasets import choose_scheme, open_dataset
from fwibench.runs.planning.grammar import read_one


def export_inputs(
    name: Annotated[str, typer.Argument(help="Name of a dataset, with options in brackets: salt[snr=10].")],
    output: Annotated[Path, typer.Option("--output", "-o", help="New folder to write.")],
    split: Annotated[str | None, typer.Option(help="Split scheme; default: the first of the dataset.")] = None,
    profile: DatasetProfile = "quick",
    hidden_truth: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Also write the truth of the test samples to this .npz file, for score --truth."
        ),
    ] = None,
) -> None:
    """Write what is needed to predict a dataset elsewhere, without the truth of the test samples."""
    check_output(output, hidden_truth)
    registry = open_registry()
    chosen = read_one(registry, "dataset", name)
    dataset = open_dataset(registry, chosen.name, profile, chosen.options)
    scheme = choose_scheme(dataset, split)
    make_samples(dataset)
    target = target_of(dataset, scheme)
    write_inputs(dataset, target, output)
    print_line(f"{target.about.dataset.variant}: inputs in {output}, whose README.md says what to send back")
    if hidden_truth:
        write_truth(target, hidden_truth)
        print_line(f"truth of {len(target.test)} test samples in {hidden_truth}; keep it from those who predict them")
        if dataset.source == "synthetic":
            warn(f"the truth of {dataset.spec.name} is not secret: fwibench makes the same maps on every machine")
