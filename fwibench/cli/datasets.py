"""Datasets named on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fwibench.cli.registry import open_registry
from fwibench.runs.opening.datasets import open_dataset
from fwibench.runs.planning.grammar import read_selected
from fwibench.specs.dataset import Profile

if TYPE_CHECKING:
    from fwibench.datasets.base import Dataset


def open_datasets(names: str, profile: Profile) -> list[Dataset]:
    """Open the datasets that a text names, with options in brackets: `salt[snr=10],marmousi`."""
    registry = open_registry()
    return [
        open_dataset(registry, item.name, profile, item.options) for item in read_selected(registry, "dataset", names)
    ]
