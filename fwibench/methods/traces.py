"""Iterations of inversions, and their models at the end of every frequency band.

Invariant: an interrupted inversion continues from its last finished band.
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
        misfit: Misfit as the method defines it, relative to the measurement.
        seconds: Time since the inversion of the sample began [s].
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
        models: Models `(1, Z, X)` at the end of each finished band, by its name; `start` is the start model.
        before: Time of earlier attempts that the inversion continued from [s].
    """

    steps: list[Step] = field(default_factory=list)
    models: dict[str, Maps] = field(default_factory=dict)
    before: float = 0.0

    @property
    def seconds(self) -> float:
        """Duration of the inversion [s]."""
        return self.steps[-1].seconds if self.steps else 0.0


def checkpoint_path(folder: Path, measurements: Maps, starts: Maps, identity: str) -> Path:
    """Return the file for the checkpoint of an inversion; its name is a hash of everything that determines the result.

    Args:
        folder: Folder of the checkpoints.
        measurements: Raw amplitudes `(n, S, T, R)`.
        starts: Start models `(n, 1, Z, X)`.
        identity: Options and whatever else determines the result.
    """
    digest = hashlib.sha256(measurements.tobytes() + starts.tobytes() + identity.encode()).hexdigest()
    return folder / f"inversion-{digest[:16]}.npz"


class Course:
    """Records the iterations of a batch of inversions and enforces their time budget.

    Args:
        starts: Start models `(n, 1, Z, X)`.
        checkpoint: File for the state after every band, see `checkpoint_path`; an existing one is continued from.
        seconds: Time budget of the batch [s]; None: no limit.
        should_stop: Returns whether the deadline of the run has passed.
        on_step: Receives the traces after every iteration.
    """

    def __init__(
        self,
        starts: Maps,
        checkpoint: Path,
        seconds: float | None,
        should_stop: Callable[[], bool],
        on_step: Callable[[Sequence[Trace]], None] = lambda traces: None,
    ) -> None:
        self._path = checkpoint
        self._seconds, self._should_stop, self._on_step = seconds, should_stop, on_step
        self._before = 0.0
        self.traces = [Trace(models={"start": start}) for start in starts]
        # a damaged checkpoint must not prevent the inversion, which can start from the beginning
        with suppress(FwibenchError):
            self._load()
        self._started = time.monotonic()

    @property
    def seconds(self) -> float:
        """Time since the inversion began, earlier attempts included [s]."""
        return self._before + time.monotonic() - self._started

    @property
    def finished(self) -> list[str]:
        """Names of the finished bands, after `start`."""
        return list(self.traces[0].models)

    @property
    def models(self) -> Maps:
        """Models `(n, 1, Z, X)` at the end of the last finished band."""
        return np.stack([list(trace.models.values())[-1] for trace in self.traces])

    def step(self, band: str, iteration: int, misfits: Array64) -> bool:
        """Record an iteration.

        Args:
            band: Name of the band.
            iteration: Number of the iteration, from 1, counted through all bands.
            misfits: Misfits of the samples `(n,)`.

        Returns:
            Whether there is time for another iteration.
        """
        seconds = self.seconds
        for trace, misfit in zip(self.traces, misfits, strict=True):
            trace.steps.append(Step(band, iteration, float(misfit), seconds))
        self._on_step(self.traces)
        return not self.over()

    def over(self) -> bool:
        """Return whether the time budget is spent or the deadline has passed."""
        return self._should_stop() or (self._seconds is not None and self.seconds >= self._seconds)

    def finish(self, band: str, models: Maps) -> None:
        """Record the models `(n, 1, Z, X)` at the end of a band, and write a checkpoint."""
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
                raise ValueError("it belongs to other samples")
        self._before, self.traces = before, traces
