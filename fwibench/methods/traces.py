"""What an iterative inversion leaves behind: its course, and its model at the end of every band.

Invariant: an inversion that was interrupted goes on from its last finished band.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from fwibench.errors import FwibenchError
from fwibench.files.atomic import atomic_write, reading
from fwibench.files.npy import read_npz
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
