"""What a run gives to a method: device, random seeds, working folder and deadline."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from fwibench.methods.complexity import Complexity
from fwibench.samples import Split
from fwibench.seeds import BASE_SEED, STREAMS, derive_seed
from fwibench.typing import Array32

FIT_THREADS = "FWIBENCH_FIT_THREADS"
"""Environment variable that sets the number of threads of a fit on a CPU; `fwibench reproduce` sets it too."""

FIT_PRECISION = "FWIBENCH_FIT_PRECISION"
"""Environment variable that sets the number format of a fit with `precision=auto`, which is then not measured."""

FIT_BATCHES = "FWIBENCH_FIT_BATCHES"
"""Environment variable that sets the number of batches of a fit with a time budget, which is then not measured."""


class FittedMethod(Protocol):
    """The part of a fitted `fwibench.methods.base.Method` that a method building on it may use."""

    def predict(self, measurements: Array32) -> Array32:
        """Return property maps `(n, 1, Z, X)` for measurements `(n, S, T, R)`."""

    def complexity(self) -> Complexity:
        """Return parameters and arithmetic of one sample."""

    def refit(self, train: Split, val: Split, name: str, share: float = 1.0) -> FittedMethod:
        """Return a new method with the same options that is fitted to other samples; see `Method.refit`.

        Args:
            train: Samples to learn from.
            val: Samples to choose on.
            name: Name of the fit.
            share: Length of the fit over that of this method's own, where a time budget set the latter.
        """


@dataclass(frozen=True)
class RunContext:
    """Device, random seeds, working folder and deadline of one run.

    Attributes:
        workdir: The only folder a method may write to; kept until the cell is done, so a method that was
            interrupted finds its checkpoints here.
        device: `cpu`, `cuda` or `cuda:N`.
        dataset: Name of the dataset; random seeds are derived from it.
        method: Name of the method; random seeds are derived from it.
        repetition: Number of the repetition, from 0; random seeds are derived from it.
        deadline: Value of `time.monotonic()` at which the cell is killed; None: no deadline.
        fit_budget: Time that a fit by gradient descent should take [s]; None: as long as the options say. A
            `TorchMethod` follows it.
        base: The fitted method that this one builds on; None unless the spec sets `builds_on`.
        members: All fitted methods that this one builds on: of different seeds where the spec sets `members`, else only
            `base`.
        on_report: Called with the scalars of every `report`.
        devices: Number of devices of a fit, of which `device` is the first; only a `TorchMethod` uses several.
    """

    workdir: Path
    device: str = "cpu"
    dataset: str = ""
    method: str = ""
    repetition: int = 0
    deadline: float | None = None
    base: FittedMethod | None = field(default=None, repr=False)
    members: tuple[FittedMethod, ...] = field(default=(), repr=False)
    on_report: Callable[[dict[str, float]], None] = field(default=lambda scalars: None, repr=False)
    devices: int = 1
    fit_budget: float | None = None

    @property
    def below(self) -> tuple[FittedMethod, ...]:
        """The fitted methods that this one builds on; empty if there are none."""
        return self.members or ((self.base,) if self.base else ())

    def seed(self, stream: str) -> int:
        """Return the random seed of one stream.

        Raises:
            ValueError: The stream is not `init`, `data` or `augment`.
        """
        if stream not in STREAMS:
            raise ValueError(f"unknown random stream '{stream}', expected one of {', '.join(STREAMS)}")
        return derive_seed(BASE_SEED, self.dataset, self.method, self.repetition, stream)

    @property
    def budget(self) -> float | None:
        """Seconds left until the deadline, at least 0; None without a deadline."""
        return None if self.deadline is None else max(self.deadline - time.monotonic(), 0.0)

    def should_stop(self) -> bool:
        """Return whether the deadline has passed; the method should then save its state and return."""
        return self.budget == 0.0

    def report(self, **scalars: float) -> None:
        """Report progress to the user: `step` and `steps` move the progress bar, other scalars are shown beside it."""
        self.on_report(scalars)
