"""Time budget of a fit: how many batches it takes.

Invariant: batches are timed in a trial training of which nothing is left, so a fit with a budget has the same bits as
one that is told the number of batches.
"""

from __future__ import annotations

import math
import os
import time
from dataclasses import dataclass, field

from fwibench.methods.context import FIT_BATCHES

TRIAL_SHARE = 0.05
"""Share of the budget that the trial training takes, unless a few steps take longer."""
LATE = 1.1
"""Share of its budget at which a fit ends before its last batch, because the machine became slower."""
FORWARD = 1 / 3
"""Time of a forward pass over that of a training step: the backward pass has two products for each one of it."""


def told_batches() -> int | None:
    """Return the number of batches that the environment sets for a fit with a budget; None if it sets none."""
    setting = os.environ.get(FIT_BATCHES, "")
    return int(setting) if setting.isdecimal() and int(setting) > 0 else None


@dataclass
class TrialClock:
    """Clock of a trial training, in which a batch is timed after a first one that also sets up kernels.

    Attributes:
        seconds: Time after which it is enough [s].
        least: Smallest number of batches that are timed, so that rare steps of a part are among them.
        ticks: Times at which batches started [s].
        ends: Times at which epochs ended [s].
    """

    seconds: float
    least: int = 1
    ticks: list[float] = field(default_factory=list)
    ends: list[float] = field(default_factory=list)

    def stops(self) -> bool:
        """Note the start of a batch; return whether the trial has timed enough of them."""
        self.ticks.append(time.monotonic())
        return len(self.ticks) > self.least + 1 and self.ticks[-1] - self.ticks[1] >= self.seconds

    def epoch_ended(self) -> None:
        """Note the end of an epoch."""
        self.ends.append(time.monotonic())

    def seconds_per_batch(self, batches: int, validation: float) -> float:
        """Return the time of a batch, with its share of the time that an epoch takes besides its batches [s].

        Args:
            batches: Number of batches of an epoch.
            validation: Number of val samples over that of train samples, which tells the time of a validation where no
                epoch has ended.
        """
        if len(self.ends) > 1:
            return (self.ends[-1] - self.ends[0]) / ((len(self.ends) - 1) * batches)
        if len(self.ticks) < 3:
            # the deadline came first
            return math.inf
        step = (time.monotonic() - self.ticks[1]) / (len(self.ticks) - 2)
        return step if self.ends else step * (1 + FORWARD * validation)
