"""`data prepare`: make the samples of datasets."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from fwibench.api.progress import make_listener
from fwibench.cli.console.output import console, errors, warn
from fwibench.cli.datasets import open_datasets
from fwibench.cli.options import DatasetNames, DatasetProfile
from fwibench.text.readable import show_seconds

if TYPE_CHECKING:
    from fwibench.datasets.base import Dataset, Estimate


def prepare(name: DatasetNames, profile: DatasetProfile = "quick") -> None:
    """Make the samples that are missing; what is there is kept."""
    for dataset in open_datasets(name, profile):
        if estimate := dataset.estimate():
            console().print(_announce(dataset, estimate), soft_wrap=True)
        start = time.monotonic()
        with make_listener(errors()) as listener:
            dataset.prepare(partial(listener.preparing, dataset))
        took = show_seconds(time.monotonic() - start)
        console().print(f"{dataset.spec.name}: {dataset.size} samples in {dataset.folder}, {took}", soft_wrap=True)
        for doubt in dataset.doubts():
            warn(doubt)


def _announce(dataset: Dataset, estimate: Estimate) -> str:
    return (
        f"{dataset.spec.name}: {estimate.samples} samples to make, {estimate.size / 1e9:.2g} GB in {dataset.folder}, "
        f"about {show_seconds(estimate.seconds)}"
    )
