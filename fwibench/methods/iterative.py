"""The base for methods that fit a model to each measurement by itself.

An author gives `start` and `invert`; the base batches samples, keeps budgets and records the course of
every inversion. On a CPU each sample has a thread of its own with one torch thread, which is the fastest
way for grids of this size; on a GPU as many samples as memory holds go in one call.
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
from fwibench.methods.traces import Course, Trace
from fwibench.physics.parallel import available_cores
from fwibench.typing import Maps

REPORT_EVERY_S = 1.0


class IterativeMethod(Method):
    """Inverts measurement after measurement from a start model.

    Attributes:
        traces: One for each sample predicted, in order.
    """

    traces: list[Trace]

    @abstractmethod
    def start(self, measurements: Maps) -> Maps:
        """Start models `(n, 1, Z, X)` in physical units for measurements `(n, S, T, R)`."""

    @abstractmethod
    def invert(self, measurements: Maps, course: Course) -> Maps:
        """Inverts a batch, each sample on its own.

        Args:
            measurements: `(n, S, T, R)`; one sample on a CPU.
            course: Holds the models to go on from and the bands that are finished; is told every iteration
                and every finished band.

        Returns:
            Property maps `(n, 1, Z, X)` in physical units.
        """

    def samples_at_once(self) -> int:
        """How many samples a GPU's memory holds in one call; halved where that was too many. Default: 16."""
        return 16

    def seconds_per_sample(self) -> float | None:
        """Budget of one sample [s]; None for none. Default: none."""
        return None

    def iterations_per_sample(self) -> int | None:
        """How many iterations a sample takes at most, for the progress display. Default: not known."""
        return None

    def predict(self, measurements: Maps) -> Maps:
        """See `Method.predict`; fills `traces`."""
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
        course = Course(
            measurements,
            starts,
            self._checkpoints(),
            # equal samples in one call have checkpoints of their own: threads must not write to the same file
            f"{self.options!r} {rows.start}",
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
    """Tells how many samples are done; safe to use from many threads.

    Args:
        samples: In all.
        iterations: Of one sample, at most; None if not known, then only whole samples count.
        report: Receives `step` and `steps` in samples, and the mean misfit as `loss`.
    """

    def __init__(self, samples: int, iterations: int | None, report: Callable[..., None]) -> None:
        self._samples, self._iterations, self._report = samples, iterations, report
        self._lock = threading.Lock()
        self._done: dict[int, float] = {}
        self._told = time.monotonic()

    def step(self, first: int, traces: Sequence[Trace]) -> None:
        """Another iteration of the batch that begins with sample `first`."""
        if self._iterations:
            self._note(first, sum(min(len(trace.steps) / self._iterations, 1.0) for trace in traces), traces)

    def finish(self, first: int, traces: Sequence[Trace]) -> None:
        """That batch is done, perhaps in fewer iterations."""
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
