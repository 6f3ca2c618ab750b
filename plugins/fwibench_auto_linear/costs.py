"""Cost model of Auto-Linear; planning imports it, so it imports nothing heavy."""

from __future__ import annotations

from fwibench.methods.costs import TRAINING, TrainingCosts


class AutoLinearCosts(TrainingCosts):
    """Times of a training; penalty and rank of the linear maps do not change them noticeably."""

    free = TRAINING | {"alpha", "rank"}
