"""What an iterative inversion leaves behind: its course, and its model at the end of every band.

Invariant: an inversion that was interrupted goes on from its last finished band.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from fwibench.errors import FwibenchError, RecordError
from fwibench.files.atomic import atomic_write, reading, write_text
from fwibench.files.npy import Header, read_npz
from fwibench.typing import Array64, Maps

AGAIN = "run the cell again with --force"


@dataclass(frozen=True)
class Step:
    """One iteration of one sample's inversion.

    Attributes:
        band: Name of the frequency band.
        iteration: From 1, counted through all bands.
        misfit: As the method defines it, relative to the measurement.
        seconds: Since the sample's inversion began.
    """

    band: str
    iteration: int
    misfit: float
    seconds: float


@dataclass
class Trace:
    """The inversion of one sample.

    Attributes:
        steps: All iterations.
        models: `(1, Z, X)` at the end of each finished band, by its name; `start` is the start model.
        before: Seconds of earlier attempts, which it went on from.
    """

    steps: list[Step] = field(default_factory=list)
    models: dict[str, Maps] = field(default_factory=dict)
    before: float = 0.0

    @property
    def seconds(self) -> float:
        """Time that the inversion took."""
        return self.steps[-1].seconds if self.steps else 0.0


class Course:
    """Records a batch of inversions and decides when they must end.

    Args:
        measurements: `(n, S, T, R)`; tell one inversion's checkpoint from another's.
        starts: `(n, 1, Z, X)`.
        folder: For checkpoints.
        identity: Tells checkpoints of other options apart.
        seconds: Budget of the batch; None for none.
        should_stop: Whether the run's own deadline is near.
        on_step: Is told the traces after every iteration.
    """

    def __init__(
        self,
        measurements: Maps,
        starts: Maps,
        folder: Path,
        identity: str,
        seconds: float | None,
        should_stop: Callable[[], bool],
        on_step: Callable[[Sequence[Trace]], None] = lambda traces: None,
    ) -> None:
        digest = hashlib.sha256(measurements.tobytes() + starts.tobytes() + identity.encode()).hexdigest()
        self._path = folder / f"inversion-{digest[:16]}.npz"
        self._seconds, self._should_stop, self._on_step = seconds, should_stop, on_step
        self._before = 0.0
        self.traces = [Trace(models={"start": start}) for start in starts]
        # a checkpoint that cannot be read is none: the inversion begins anew
        with suppress(FwibenchError):
            self._load()
        self._begun = time.monotonic()

    @property
    def seconds(self) -> float:
        """Since the inversion began, earlier attempts included."""
        return self._before + time.monotonic() - self._begun

    @property
    def finished(self) -> list[str]:
        """Bands that are done, the start model first."""
        return list(self.traces[0].models)

    @property
    def models(self) -> Maps:
        """The latest models `(n, 1, Z, X)`."""
        return np.stack([list(trace.models.values())[-1] for trace in self.traces])

    def step(self, band: str, iteration: int, misfits: Array64) -> bool:
        """Notes an iteration; returns whether there is time for another."""
        seconds = self.seconds
        for trace, misfit in zip(self.traces, misfits, strict=True):
            trace.steps.append(Step(band, iteration, float(misfit), seconds))
        self._on_step(self.traces)
        return not self.over()

    def over(self) -> bool:
        """Whether the budget is spent."""
        return self._should_stop() or (self._seconds is not None and self.seconds >= self._seconds)

    def finish(self, band: str, models: Maps) -> None:
        """Notes the models at the end of a band and writes a checkpoint."""
        for trace, model in zip(self.traces, models, strict=True):
            trace.models[band] = np.asarray(model, np.float32)
        steps = [[asdict(step) for step in trace.steps] for trace in self.traces]
        content = {f"model-{name}": np.stack([t.models[name] for t in self.traces]) for name in self.finished}
        with atomic_write(self._path) as stream:
            np.savez(stream, steps=np.array(json.dumps(steps)), seconds=self.seconds, **content)  # type: ignore[arg-type]

    def _load(self) -> None:
        if not self._path.exists():
            return
        with reading(self._path, "a checkpoint", AGAIN):
            stored = read_npz(self._path)
            before, steps = float(stored.pop("seconds")), json.loads(str(stored.pop("steps")))
            models = {name.removeprefix("model-"): values for name, values in stored.items()}
            traces = [
                Trace([Step(**step) for step in own], {name: values[i] for name, values in models.items()}, before)
                for i, own in enumerate(steps)
            ]
            shapes, expected = ([one.models["start"].shape for one in side] for side in (traces, self.traces))
            if shapes != expected:
                raise ValueError("it is of other samples")
        self._before, self.traces = before, traces


def read_traces(folder: Path) -> dict[str, list[Step]] | None:
    """Iterations of each sample of a run, by its id; None where the run has none.

    Raises:
        RecordError: They cannot be read.
    """
    path = folder / "traces.csv"
    if not path.exists():
        return None
    found: dict[str, list[Step]] = {}
    table = reading(path, "the course of an inversion", AGAIN, RecordError)
    with table, path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            step = Step(row["band"], int(row["iteration"]), float(row["misfit"]), float(row["seconds"]))
            if not (0 <= step.misfit < math.inf and 0 <= step.seconds < math.inf and step.iteration > 0):
                raise ValueError(f"iteration {step.iteration} has misfit {step.misfit} after {step.seconds} s")
            found.setdefault(row["id"], []).append(step)
    return found


def read_models(folder: Path, shape: tuple[int, ...]) -> dict[str, Maps]:
    """Models of a run at the end of each band, by its name; NaN where a sample did not come to its end.

    Args:
        folder: Of the run.
        shape: `(n, 1, Z, X)` that they must have.

    Raises:
        RecordError: They cannot be read.
    """
    path = folder / "models.npz"

    def check(headers: dict[str, Header]) -> None:
        for name, header in headers.items():
            if name != "ids" and (header.shape != shape or header.dtype.kind != "f"):
                raise ValueError(f"{name} is {header.dtype} of shape {header.shape}, expected float32 of {shape}")

    with reading(path, "models", AGAIN, RecordError):
        stored = read_npz(path, check=check)
        stored.pop("ids", None)
        return stored


def write_traces(folder: Path, ids: Sequence[str], traces: Sequence[Trace]) -> None:
    """Writes `traces.csv`, a line an iteration, and `models.npz`, the models of each band `(n, 1, Z, X)`.

    A sample whose budget ended within a band has no model of it.
    """
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(("id", "band", "iteration", "misfit", "seconds"))
    for sample, trace in zip(ids, traces, strict=True):
        writer.writerows((sample, s.band, s.iteration, repr(s.misfit), f"{s.seconds:.3f}") for s in trace.steps)
    write_text(folder / "traces.csv", table.getvalue())
    bands = dict.fromkeys(name for trace in traces for name in trace.models)
    models = {
        name: np.stack([trace.models.get(name, np.full_like(trace.models["start"], np.nan)) for trace in traces])
        for name in bands
    }
    with atomic_write(folder / "models.npz") as stream:
        np.savez(stream, ids=np.array(ids), **models)  # type: ignore[arg-type]
