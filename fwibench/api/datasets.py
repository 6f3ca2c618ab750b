"""Datasets as arrays, as PyTorch datasets and as pictures."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from fwibench.api.catalogue import open_registry
from fwibench.runs.opening.datasets import choose_scheme, ensure_samples, open_dataset
from fwibench.runs.planning.grammar import read_one
from fwibench.samples import Split

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from fwibench.datasets.base import Dataset
    from fwibench.problem import Problem
    from fwibench.specs.dataset import Profile


@dataclass(frozen=True)
class LoadedDataset:
    """A prepared dataset with one of its split schemes.

    Attributes:
        dataset: The dataset itself: `spec`, `source`, `fingerprint`, ...
        scheme: Split scheme.
    """

    dataset: Dataset
    scheme: str

    @property
    def problem(self) -> Problem:
        """Grid, survey, physics, bounds and normalisation."""
        return self.dataset.measured_problem

    @property
    def train(self) -> Split:
        """Samples to learn from."""
        return self._split("train")

    @property
    def val(self) -> Split:
        """Samples to choose on."""
        return self._split("val")

    @property
    def test(self) -> Split:
        """Samples that methods are scored on."""
        return self._split("test")

    def plot(self, split: str = "test") -> Figure:
        """Draw four samples of a split: maps, and their measurements below."""
        from fwibench.report.pictures import samples_figure

        return samples_figure(self._split(split), self.problem)

    def _split(self, name: str) -> Split:
        return self.dataset.split(self.scheme, name)

    def __repr__(self) -> str:
        counts = ", ".join(f"{name} {len(rows)}" for name, rows in self.dataset.selected(self.scheme).items())
        return f"<{self.dataset.selection}: {self.dataset.summary}; split {self.scheme}: {counts}>"

    def _repr_html_(self) -> str:
        """Return the dataset in labelled lines, for notebooks."""
        from fwibench.api.html import labelled_lines
        from fwibench.datasets.details import describe_problem, describe_splits

        lines = [("dataset", self.dataset.selection), ("summary", self.dataset.summary)]
        return labelled_lines([*lines, *describe_problem(self.problem), *describe_splits(self.dataset)])


def load_dataset(name: str, profile: Profile = "quick", split: str | None = None, **options: Any) -> LoadedDataset:
    """Load a dataset; synthetic samples that are not there yet are made first.

    Args:
        name: Name of a dataset, options in brackets allowed: `salt[snr=10]`.
        profile: Size of the data: `smoke`, `quick` or `paper`.
        split: Split scheme; the dataset's first by default.
        options: Options of the dataset, such as `snr=10`.

    Raises:
        UsageError: The name, an option or a value is wrong.
        DataError: Samples are missing and cannot be made, or are damaged.
    """
    registry = open_registry()
    chosen = read_one(registry, "dataset", name)
    dataset = open_dataset(registry, chosen.name, profile, {**chosen.options, **options})
    scheme = choose_scheme(dataset, split)
    make_samples(dataset)
    return LoadedDataset(dataset, scheme)


def make_samples(dataset: Dataset) -> None:
    """Make the samples of a dataset that are missing, with progress on standard error, and check those there are."""
    from fwibench.api.progress import make_listener

    with make_listener() as listener:
        ensure_samples(dataset, partial(listener.preparing, dataset))
