"""What a run lends to a method."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from fwibench.seeds import BASE_SEED, STREAMS, derive_seed

if TYPE_CHECKING:
    from fwibench.methods.base import Method


FIT_THREADS = "FWIBENCH_FIT_THREADS"
"""Environment variable that fixes the threads of a fit on a CPU, as `fwibench reproduce` does."""


@dataclass(frozen=True)
class RunContext:
    """Device, seeds, a folder to work in, and the clock.

    Attributes:
        workdir: The only folder a method may write to; kept until the cell is done, so a method that was
            interrupted finds its checkpoints here.
        device: `cpu`, `cuda` or `cuda:N`.
        dtype: Name of the floating-point type of networks.
        dataset: Name of the dataset, for the seeds.
        method: Name of the method, for the seeds.
        repetition: Which repetition this is, from 0.
        deadline: `time.monotonic()` at which the cell is killed; None for never.
        base: The fitted method that this one builds on; None unless its spec says `builds_on`.
        on_report: Called with what the method reports.
    """

    workdir: Path
    device: str = "cpu"
    dtype: str = "float32"
    dataset: str = ""
    method: str = ""
    repetition: int = 0
    deadline: float | None = None
    base: Method | None = field(default=None, repr=False)
    on_report: Callable[[dict[str, float]], None] = field(default=lambda scalars: None, repr=False)

    def seed(self, stream: str) -> int:
        """Seed of one random stream: `init`, `data`, `augment` or `noise`."""
        if stream not in STREAMS:
            raise ValueError(f"unknown random stream '{stream}', expected one of {', '.join(STREAMS)}")
        return derive_seed(BASE_SEED, self.dataset, self.method, self.repetition, stream)

    @property
    def budget(self) -> float | None:
        """Seconds left until the deadline; None without one."""
        return None if self.deadline is None else max(self.deadline - time.monotonic(), 0.0)

    def should_stop(self) -> bool:
        """Whether the deadline has passed: save what is worth keeping and return."""
        return self.budget == 0.0

    def report(self, **scalars: float) -> None:
        """Tells the user how far the method is.

        `step` and `steps` drive the progress bar; everything else is shown beside it.
        """
        self.on_report(scalars)
