"""A model's predictions of the test samples of a dataset, with their scores."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from fwibench.api.catalogue import open_registry
from fwibench.errors import UsageError
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.predictions import Predictions, write_predictions
from fwibench.runs.artefacts.record import Record, write_record
from fwibench.runs.artefacts.replacement import publishing
from fwibench.runs.artefacts.results import Results
from fwibench.runs.artefacts.samples import StoredSamples, read_samples, write_samples
from fwibench.runs.artefacts.scores import Scores, write_scores
from fwibench.runs.opening.datasets import reopen_dataset, scored_split
from fwibench.typing import Array32, Maps

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

    from fwibench.datasets.base import Dataset
    from fwibench.methods.base import Method
    from fwibench.samples import Split


@dataclass(frozen=True)
class Evaluation:
    """A model's predictions of the test samples of a dataset, and their scores.

    Attributes:
        record: What a run leaves: cell, scores, costs, complexity.
        samples: Scores of each test sample.
        predictions: Maps in the unit of the property, `(n, 1, Z, X)`.
        folder: Folder of the run; None while it is not saved.
        method: The evaluated method; None where it was evaluated in another process.
        drawn: Samples of the predictions of a model of this process; None if it draws none.
    """

    record: Record
    samples: Scores = field(repr=False)
    predictions: Maps = field(repr=False)
    folder: Path | None = None
    method: Method | None = field(default=None, repr=False)
    drawn: StoredSamples | None = field(default=None, repr=False)

    @property
    def scores(self) -> dict[str, float | None]:
        """Each metric over all test samples, pooled as its spec declares; None where a sample has no score."""
        return dict(self.record.scores)

    @property
    def ids(self) -> tuple[str, ...]:
        """Ids of the test samples, in the order of `predictions`."""
        return self.samples.ids

    @property
    def test(self) -> Split:
        """The test samples, with their truth.

        Raises:
            FwibenchError: The dataset has changed since.
        """
        return scored_split(self._dataset(), self.record.cell)

    def _dataset(self) -> Dataset:
        return reopen_dataset(open_registry(), self.record.cell)

    @property
    def deviation(self) -> Maps | None:
        """Standard deviation of the samples of each prediction, `(n, 1, Z, X)`; None of a method that draws none.

        Raises:
            FwibenchError: The dataset has changed since, or the stored samples cannot be read.
        """
        drawn = self.drawn
        if drawn is None and self.folder is not None:
            drawn = read_samples(self.folder, self.predictions, self._dataset().problem.property)
        return None if drawn is None else drawn.deviation(slice(None))

    def to_frame(self) -> pd.DataFrame:
        """Return the scores of each test sample: a row a sample, a column a metric."""
        import pandas as pd

        return pd.DataFrame(self.samples.values, index=pd.Index(self.ids, name="id"))

    def plot(self, samples: int = 4) -> Figure:
        """Draw truth, prediction and error of some test samples, spread evenly."""
        from fwibench.report.pictures import comparison_figure
        from fwibench.samples import evenly_spaced

        rows = evenly_spaced(len(self.ids), samples)
        dataset = self._dataset()
        truth = scored_split(dataset, self.record.cell).properties[rows]
        names = [self.ids[row] for row in rows]
        return comparison_figure(names, truth, self.predictions[rows], dataset.problem)

    def predict(self, measurements: Array32, device: str = "auto") -> Maps:
        """Predict properties of new measurements with the evaluated model.

        Args:
            measurements: `(n, S, T, R)`, raw amplitudes, of the survey of the dataset.
            device: `auto`, `cpu`, `cuda` or `cuda:N`; ignored for a model of this process.

        Returns:
            Maps in the unit of the property, `(n, 1, Z, X)`.

        Raises:
            UsageError: The run has no model.
            ProblemError: The measurements do not fit the survey.
        """
        from fwibench.api.prediction import predict_by_method, predict_by_run

        if self.method is not None:
            return predict_by_method(self.method, measurements)
        if self.folder is None:
            raise UsageError(f"{self.record.run_id} has no model", "load a run with load_run")
        return predict_by_run(self.folder, measurements, device)

    def save(self, results: str | Path = "results") -> Path:
        """Store the evaluation as a record in a results folder, beside the runs of methods.

        Args:
            results: The folder; made if it is not there. A record of the same cell is replaced.

        Returns:
            Folder of the record.

        Raises:
            DataError: The folder cannot be written.
        """
        store = Results(Path(results))
        folder = store.folder(self.record.cell)
        with store.locked(self.record.run_id), publishing(folder) as new:
            files = RunFiles(new)
            write_predictions(Predictions(self.ids, self.predictions), new)
            if self.drawn is not None:
                write_samples([self.drawn.differences], len(self.ids), new)
            write_scores(self.samples, new)
            if self.method is not None:
                files.model.mkdir()
                self.method.save(files.model)
            write_record(self.record, files.record)
        return folder

    def __repr__(self) -> str:
        cell, shown = self.record.cell, ", ".join(f"{name} {value:.4g}" for name, value in self._numbers())
        return f"<{cell.method} on {cell.place}, split {cell.split}, {len(self.ids)} test samples: {shown}>"

    def _numbers(self) -> list[tuple[str, float]]:
        return [(name, value) for name, value in self.record.scores.items() if value is not None]

    def _repr_html_(self) -> str:
        """Return method, dataset, scores and costs in labelled lines, for notebooks."""
        from fwibench.api.html import labelled_lines

        cell, unit = self.record.cell, self.record.unit
        lines = [
            ("method", cell.method),
            ("dataset", f"{cell.place} ({self.record.source}), split {cell.split}, profile {cell.profile}"),
            ("test samples", str(len(self.ids))),
            *((name, f"{value:.4g}") for name, value in self._numbers()),
            ("unit", unit),
        ]
        return labelled_lines(lines)
