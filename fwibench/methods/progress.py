"""How far the inversions of many samples are.

Invariant: a sample counts by the part of its iterations that are done, so the time left can be told early.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from statistics import fmean

from fwibench.methods.traces import Trace

REPORT_EVERY_S = 1.0


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
