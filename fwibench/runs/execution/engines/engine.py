"""What a plan asks of the place where its cells run."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from fwibench.runs.artefacts.record import Record
from fwibench.runs.processes.messages import EventHandler, Job

if TYPE_CHECKING:
    from fwibench.datasets.base import Dataset

Progress = Callable[[int, int], None]
"""Called with the numbers of finished and of all samples."""


class Pending(Protocol):
    """A cell that runs; `concurrent.futures.Future` and the futures of a cluster are such."""

    def result(self) -> Record:
        """Return the record of the cell, or raise the error of the engine, once the cell is done."""

    def add_done_callback(self, fn: Callable[[Any], Any], /) -> None:
        """Call a function, from any thread, with this object when the cell is done."""


class Engine(Protocol):
    """A place where cells run; only the thread that runs the plan calls it."""

    def needs_samples(self, dataset: Dataset) -> bool:
        """Return whether `prepare` would make samples on this machine.

        Args:
            dataset: Dataset of cells that are going to be submitted.
        """

    def prepare(self, dataset: Dataset, progress: Progress) -> list[str]:
        """Make missing samples, and check those that exist.

        Args:
            dataset: The dataset.
            progress: Called with the numbers of finished and of all samples.

        Returns:
            What is doubtful about its files.

        Raises:
            DataError: Samples cannot be made, or are damaged.
        """

    def has_room(self, job: Job | None = None) -> bool:
        """Return whether a cell would start at once.

        Args:
            job: The cell; None: any cell.
        """

    def submit(self, job: Job, dataset: Dataset, on_event: EventHandler) -> Pending:
        """Start a cell.

        Args:
            job: The cell.
            dataset: Its dataset.
            on_event: Called with its events, from any thread; the first one when it begins.
        """

    def flush(self) -> None:
        """Start all submitted cells; called after those for which there is room were submitted."""

    def cancel(self) -> None:
        """End all cells that run; each is done soon, with a `KeyboardInterrupt` unless it had finished."""
