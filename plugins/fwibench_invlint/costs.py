"""Cost model of InvLINT; planning imports it, so it imports nothing heavy."""

from __future__ import annotations

from fwibench.methods.costs import TRAINING, TrainingCosts


class InvLINTCosts(TrainingCosts):
    """Times of a training; the penalty of the regression does not change them noticeably."""

    free = TRAINING | {"alpha"}
    encodes = True
