"""How scores of samples, and of seeds, are pooled to one score.

Invariant: a pooled score is a function of a mean: of the scores, or of their squares.
"""

from __future__ import annotations

from typing import TypeVar

from fwibench.specs.metric import Pooling
from fwibench.typing import Array64

Numbers = TypeVar("Numbers", float, Array64)


def to_terms(scores: Numbers, pooling: Pooling) -> Numbers:
    """Return the terms whose mean is pooled: the scores, or their squares."""
    return scores * scores if pooling == "root-mean-square" else scores


def from_means(means: Numbers, pooling: Pooling) -> Numbers:
    """Return the pooled scores of means of `to_terms`: the means, or their square roots."""
    return means**0.5 if pooling == "root-mean-square" else means


def pool(scores: Array64, pooling: Pooling) -> float:
    """Return the score that pools all scores of an array."""
    return from_means(float(to_terms(scores, pooling).mean()), pooling)
