"""The base class of methods that fit a model to each measurement separately.

An author implements `start` and `invert`; the base forms batches, enforces time budgets and records every iteration. On
a CPU each sample is inverted in its own thread by a single torch thread, which is the fastest way for grids of up to a
few hundred nodes a side; on a GPU a batch holds as many samples as fit the memory.
"""

from __future__ import annotations

import threading
import time
from abc import abstractmethod
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from statistics import fmean

import numpy as np
import torch

from fwibench.methods.base import Method
from fwibench.methods.traces import Course, Trace, checkpoint_path
from fwibench.physics.parallel import available_cores
from fwibench.typing import Maps

REPORT_EVERY_S = 1.0
"""Shortest time between two progress reports within a batch [s]."""


class IterativeMethod(Method):
    """Inverts each measurement separately from a start model.

    Attributes:
        traces: Iterations of each sample of the last `predict`, in order.
    """

    traces: list[Trace]

    @abstractmethod
    def start(self, measurements: Maps) -> Maps:
        """Return start models `(n, 1, Z, X)` in physical units for measurements `(n, S, T, R)`."""

    @abstractmethod
    def invert(self, measurements: Maps, course: Course) -> Maps:
        """Invert a batch; samples must not influence each other.

        Args:
            measurements: Raw amplitudes `(n, S, T, R)`; one sample on a CPU.
            course: Holds the models to continue from and the finished bands. Report every iteration to `course.step`
                and every finished band to `course.finish`.

        Returns:
            Property maps `(n, 1, Z, X)` in physical units.
        """

    def samples_at_once(self) -> int:
        """Return the batch size on a GPU; it is halved when memory runs out. Default: 16."""
        return 16

    def seconds_per_sample(self) -> float | None:
        """Return the time budget of one sample [s]; None: no limit. Default: None."""
        return None

    def iterations_per_sample(self) -> int | None:
        """Return the largest number of iterations of a sample, for the progress bar. Default: None, not known."""
        return None

    def predict(self, measurements: Maps) -> Maps:
        """See `Method.predict`; also sets `traces`."""
        self.problem.check_measurements(measurements.shape)
        starts = self.start(measurements)
        self.traces = []
        self._progress = Progress(len(measurements), self.iterations_per_sample(), self.context.report)
        if self.context.device == "cpu":
            parts = self._in_threads(measurements, starts)
        else:
            parts = self._in_batches(measurements, starts)
        return np.concatenate(parts)

    def _in_threads(self, measurements: Maps, starts: Maps) -> list[Maps]:
        rows = [slice(i, i + 1) for i in range(len(measurements))]
        with ThreadPoolExecutor(available_cores(), initializer=torch.set_num_threads, initargs=(1,)) as pool:
            results = list(pool.map(lambda row: self._run(row, measurements[row], starts[row]), rows))
        self.traces = [trace for _, traces in results for trace in traces]
        return [maps for maps, _ in results]

    def _in_batches(self, measurements: Maps, starts: Maps) -> list[Maps]:
        parts: list[Maps] = []
        first, size = 0, self.samples_at_once()
        while first < len(measurements):
            rows = slice(first, first + size)
            try:
                maps, traces = self._run(rows, measurements[rows], starts[rows])
            except torch.OutOfMemoryError:
                if size == 1:
                    raise
                size = max(size // 2, 1)
                torch.cuda.empty_cache()
                continue
            parts.append(maps)
            self.traces += traces
            first += size
        return parts

    def _run(self, rows: slice, measurements: Maps, starts: Maps) -> tuple[Maps, list[Trace]]:
        limit = self.seconds_per_sample()
        # the number of the sample keeps threads with equal samples from writing to the same file
        identity = f"{self.options!r} {rows.start}"
        course = Course(
            starts,
            checkpoint_path(self._checkpoints(), measurements, starts, identity),
            None if limit is None else limit * len(measurements),
            self.context.should_stop,
            partial(self._progress.step, rows.start),
        )
        maps = self.invert(measurements, course)
        self._progress.finish(rows.start, course.traces)
        return maps, course.traces

    def _checkpoints(self) -> Path:
        folder = self.context.workdir / "inversions"
        folder.mkdir(parents=True, exist_ok=True)
        return folder


class Progress:
    """Reports the number of finished samples, fractions of samples included; thread-safe.

    Args:
        samples: Number of samples.
        iterations: Largest number of iterations of a sample; None: not known, only finished samples count.
        report: Receives `step` and `steps` in samples, and the mean misfit as `loss`.
    """

    def __init__(self, samples: int, iterations: int | None, report: Callable[..., None]) -> None:
        self._samples, self._iterations, self._report = samples, iterations, report
        self._lock = threading.Lock()
        self._done: dict[int, float] = {}
        self._told = time.monotonic()

    def step(self, first: int, traces: Sequence[Trace]) -> None:
        """Record an iteration of the batch that begins with sample number `first`."""
        if self._iterations:
            self._note(first, sum(min(len(trace.steps) / self._iterations, 1.0) for trace in traces), traces)

    def finish(self, first: int, traces: Sequence[Trace]) -> None:
        """Record the end of the batch that begins with sample number `first`."""
        self._note(first, len(traces), traces, now=True)

    def _note(self, first: int, done: float, traces: Sequence[Trace], *, now: bool = False) -> None:
        with self._lock:
            self._done[first] = done
            if not now and time.monotonic() - self._told < REPORT_EVERY_S:
                return
            self._told = time.monotonic()
            misfits = [trace.steps[-1].misfit for trace in traces if trace.steps]
            loss = {"loss": fmean(misfits)} if misfits else {}
            self._report(step=round(sum(self._done.values()), 2), steps=self._samples, **loss)
