"""The files of a run's folder, and of the folder where an attempt at it works."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RunFiles:
    """Paths of the files of a run.

    Attributes:
        folder: Folder of the run, or of an attempt at it.
    """

    folder: Path

    @property
    def record(self) -> Path:
        """The record, JSON."""
        return self.folder / "record.json"

    @property
    def scores(self) -> Path:
        """Scores of each test sample, CSV."""
        return self.folder / "scores.csv"

    @property
    def predictions(self) -> Path:
        """Predicted maps of the test samples."""
        return self.folder / "predictions.npz"

    @property
    def traces(self) -> Path:
        """Iterations of an inversion, CSV."""
        return self.folder / "traces.csv"

    @property
    def models(self) -> Path:
        """Models of an inversion at the end of each band."""
        return self.folder / "models.npz"

    @property
    def spectra(self) -> Path:
        """Spectra of what a method solved for, JSON."""
        return self.folder / "spectra.json"

    @property
    def model(self) -> Path:
        """Folder of the fitted method."""
        return self.folder / "model"

    @property
    def log(self) -> Path:
        """What the processes wrote to standard error."""
        return self.folder / "log.txt"

    @property
    def failed_log(self) -> Path:
        """Log of a later attempt that failed, while an earlier result is kept."""
        return self.folder / "log-of-failed-attempt.txt"

    @property
    def work(self) -> Path:
        """Working folder of the method, with its checkpoints; gone when the run is finished."""
        return self.folder / "work"

    @property
    def products(self) -> tuple[Path, ...]:
        """All that an attempt leaves beside the record and the log."""
        return self.predictions, self.scores, self.traces, self.models, self.spectra, self.model

    @property
    def job(self) -> Path:
        """Message to the processes of an attempt: what is to be done."""
        return self.folder / "job.json"

    @property
    def draft(self) -> Path:
        """Message of the method's process: what it measured."""
        return self.folder / "draft.json"

    @property
    def scored(self) -> Path:
        """Message of the scoring process: scores."""
        return self.folder / "scored.json"

    @property
    def diagnosed(self) -> Path:
        """Message of the diagnosing process: diagnostics."""
        return self.folder / "diagnosed.json"

    @property
    def order(self) -> Path:
        """Message to the rescoring process: runs and metrics."""
        return self.folder / "order.json"
