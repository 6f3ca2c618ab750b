"""File names in a run's folder and in the folder of an attempt."""

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
        """Record, JSON."""
        return self.folder / "record.json"

    @property
    def scores(self) -> Path:
        """Scores of each test sample, CSV."""
        return self.folder / "scores.csv"

    @property
    def predictions(self) -> Path:
        """Predicted property maps of the test samples."""
        return self.folder / "predictions.npz"

    @property
    def samples(self) -> Path:
        """Samples of the predictions, of methods that draw some; see `fwibench.runs.artefacts.samples`."""
        return self.folder / "samples.npy"

    @property
    def traces(self) -> Path:
        """Iterations of an inversion, CSV."""
        return self.folder / "traces.csv"

    @property
    def models(self) -> Path:
        """Models of an inversion at the end of each frequency band."""
        return self.folder / "models.npz"

    @property
    def spectra(self) -> Path:
        """Singular value or eigenvalue spectra reported by a method, JSON."""
        return self.folder / "spectra.json"

    @property
    def model(self) -> Path:
        """Folder of the fitted method."""
        return self.folder / "model"

    @property
    def log(self) -> Path:
        """Standard error of the cell's processes."""
        return self.folder / "log.txt"

    @property
    def failed_log(self) -> Path:
        """Log of a later attempt that failed, while an earlier result is kept."""
        return self.folder / "log-of-failed-attempt.txt"

    @property
    def work(self) -> Path:
        """Working folder of the method with its checkpoints; removed when the run is finished."""
        return self.folder / "work"

    @property
    def products(self) -> tuple[Path, ...]:
        """Results of an attempt besides the record and the log."""
        return self.predictions, self.samples, self.scores, self.traces, self.models, self.spectra, self.model

    @property
    def job(self) -> Path:
        """Message to the processes of an attempt: a `Job`."""
        return self.folder / "job.json"

    @property
    def draft(self) -> Path:
        """Message of the method's process: a `Measured`."""
        return self.folder / "draft.json"

    @property
    def scored(self) -> Path:
        """Message of the scoring process: a `Scored`."""
        return self.folder / "scored.json"

    @property
    def diagnosed(self) -> Path:
        """Message of the diagnostics process: a `Diagnosed`."""
        return self.folder / "diagnosed.json"

    @property
    def order(self) -> Path:
        """Message to the rescoring process: a `RescoreJob`."""
        return self.folder / "order.json"
