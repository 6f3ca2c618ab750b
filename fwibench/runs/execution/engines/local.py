"""Cells on this machine, some at a time."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

from fwibench.runs.artefacts.record import Record
from fwibench.runs.artefacts.results import Results
from fwibench.runs.execution.attempt import execute
from fwibench.runs.execution.company import Company
from fwibench.runs.execution.engines.engine import Progress
from fwibench.runs.execution.imports import METHOD, SCORING
from fwibench.runs.machine.shares import GPUS, thread_variables, threads_alone
from fwibench.runs.opening.datasets import ensure_samples
from fwibench.runs.processes.messages import EventHandler, Job
from fwibench.runs.processes.warm import warm_processes

if TYPE_CHECKING:
    from fwibench.datasets.base import Dataset


class LocalEngine:
    """Runs up to `jobs` cells at a time; each has its share of the cores, and GPUs of its own if it uses some.

    Args:
        results: Results folder.
        jobs: Number of cells at a time.
        gpus: Names of the GPUs that are shared out; empty if one cell runs at a time, or none uses a GPU.
        force: Whether finished cells are run again.
    """

    def __init__(self, results: Results, jobs: int = 1, gpus: Sequence[str] = (), *, force: bool = False) -> None:
        self._results, self._jobs, self._force = results, jobs, force
        self._variables = thread_variables(jobs, os.environ)
        self._clock_threads = threads_alone(os.environ) if jobs > 1 else None
        self._free_gpus, self._shares_gpus = list(gpus), bool(gpus)
        self._company = Company()
        self._stack = ExitStack()
        self._stack.enter_context(warm_processes(METHOD, SCORING))
        self._pool = ThreadPoolExecutor(jobs, "cell")
        self._lock = threading.Lock()
        self._running = 0
        self._cancelled = False

    def needs_samples(self, dataset: Dataset) -> bool:
        """Return whether samples of a dataset are missing."""
        return not dataset.prepared()

    def prepare(self, dataset: Dataset, progress: Progress) -> list[str]:
        """Make missing samples, and check those that exist.

        Args:
            dataset: The dataset.
            progress: Called with the numbers of finished and of all samples.

        Returns:
            What is doubtful about its files.
        """
        ensure_samples(dataset, progress)
        return dataset.doubts()

    def has_room(self, job: Job | None = None) -> bool:
        """Return whether a cell would start at once.

        Args:
            job: The cell; None: any cell.
        """
        with self._lock:
            gpus = self._gpus_of(job) if job else 0
            return self._running < self._jobs and gpus <= len(self._free_gpus)

    def submit(self, job: Job, dataset: Dataset, on_event: EventHandler) -> Future[Record]:
        """Start a cell.

        Args:
            job: The cell.
            dataset: Its dataset, prepared.
            on_event: Called with the events of its processes, from another thread.
        """
        with self._lock:
            self._running += 1
            gpus = [self._free_gpus.pop(0) for _ in range(self._gpus_of(job))]
        job = job.model_copy(update={"clock_threads": self._clock_threads})
        if gpus:
            # the cell sees its own GPUs only, which have other numbers there
            job = job.model_copy(update={"device": job.device.partition(":")[0]})
        return self._pool.submit(self._run, job, dataset, on_event, gpus)

    def flush(self) -> None:
        """Do nothing: cells start when they are submitted."""

    def cancel(self) -> None:
        """End all cells that run."""
        self._cancelled = True
        self._company.cancel()

    def close(self) -> None:
        """Wait until no cell runs any more, and end the processes that were kept for further ones."""
        self._pool.shutdown()
        self._stack.close()

    def _gpus_of(self, job: Job) -> int:
        return job.devices if job.gpu and self._shares_gpus else 0

    def _run(self, job: Job, dataset: Dataset, on_event: EventHandler, gpus: list[str]) -> Record:
        variables = {**self._variables, GPUS: ",".join(gpus)} if gpus else self._variables
        try:
            with self._company.seat(on_event, variables) as seat:
                if self._cancelled:
                    raise KeyboardInterrupt
                on_event({"stage": "start"})
                return execute(job, self._results, dataset, seat, force=self._force)
        finally:
            with self._lock:
                self._running -= 1
                self._free_gpus += gpus
