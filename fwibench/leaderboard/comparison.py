"""Paired comparison of methods on the samples that both were scored on.

Invariant: the test has seeds averaged first, so that a pair is two numbers a sample and n counts samples.
"""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fwibench.leaderboard.intervals import interval_of_difference
from fwibench.leaderboard.samples import Samples
from fwibench.typing import Array64

ALPHA = 0.05
"""Two methods are told apart where the corrected p-value is below this."""

EXACT = 50
"""Samples beyond which SciPy always takes the normal approximation."""


@dataclass(frozen=True)
class Comparison:
    """Two methods on the same samples; differences are of the first from the second.

    Attributes:
        method: The first.
        other: The second.
        metric: Whose scores are compared.
        n: Samples that both have.
        seeds: Of the first.
        other_seeds: Of the second.
        mean: Of the first on these samples.
        other_mean: Of the second.
        difference: Mean of the paired differences.
        ci_low: Lower end of its 95 % bootstrap interval over samples and seeds; None for a single sample.
        ci_high: Upper end.
        p: Of Wilcoxon's signed-rank test, two-sided.
        p_holm: The same after Holm's correction over the comparisons made together.
        effect: Matched-pairs rank-biserial correlation: -1 where the first is lower on every sample, 1 where it is
            higher on every one.
    """

    method: str
    other: str
    metric: str
    n: int
    seeds: int
    other_seeds: int
    mean: float
    other_mean: float
    difference: float
    ci_low: float | None
    ci_high: float | None
    p: float
    p_holm: float
    effect: float

    def verdict(self, best: str) -> str:
        """Who is better; else `not told apart`, or that mean and ranks disagree on it.

        Args:
            best: Which scores are: `low` or `high`.
        """
        if self.p_holm >= ALPHA:
            return "not told apart"
        if self.difference * self.effect <= 0:
            return "mean and ranks disagree"
        return self.method if (self.effect < 0) == (best == "low") else self.other


def compare(
    pairs: Iterable[tuple[str, str]], samples: dict[str, Samples], metric: str
) -> tuple[list[Comparison], list[str]]:
    """Compares pairs of methods, corrected together.

    Args:
        pairs: Names, first and second.
        samples: Scores by name.
        metric: Whose scores are compared.

    Returns:
        The comparisons, and a line for each pair that shares no scores.
    """
    made, faults = [], []
    for first, second in pairs:
        a, b = _paired(samples[first], samples[second], metric)
        if a.size:
            made.append(_compare(first, second, metric, a, b))
        else:
            faults.append(f"{first} and {second} share no samples with a score of {metric}")
    corrected = holm([one.p for one in made])
    return [replace(one, p_holm=p) for one, p in zip(made, corrected, strict=True)], faults


def not_told_apart(best: Samples, others: Sequence[Samples], metric: str) -> list[bool]:
    """Of each of the others whether it cannot be told from the best, all having the same samples.

    One that is lower on most samples and higher in the mean, for a few large errors, is not behind either.
    """
    scores = best.over_seeds(metric)
    differences = np.stack([one.only(best.ids).over_seeds(metric) - scores for one in others])
    ahead = [rank_biserial(row) <= 0 for row in differences]
    return [p >= ALPHA or sign for p, sign in zip(holm(wilcoxon(differences)), ahead, strict=True)]


def least_samples(comparisons: int) -> int:
    """Samples below which nothing can be told apart: the p-value of n pairs is 2 ** (1 - n) at least."""
    return 1 + math.ceil(math.log2(comparisons / ALPHA))


def all_pairs(names: Sequence[str]) -> list[tuple[str, str]]:
    """Each of the names with each that follows it."""
    return list(itertools.combinations(names, 2))


def _compare(first: str, second: str, metric: str, a: Array64, b: Array64) -> Comparison:
    means, other_means = a.mean(axis=0), b.mean(axis=0)
    differences = means - other_means
    ends = interval_of_difference(a, b) or (None, None)
    (p,) = wilcoxon(differences[None])
    return Comparison(
        method=first,
        other=second,
        metric=metric,
        n=len(means),
        seeds=len(a),
        other_seeds=len(b),
        mean=float(means.mean()),
        other_mean=float(other_means.mean()),
        difference=float(differences.mean()),
        ci_low=ends[0],
        ci_high=ends[1],
        p=p,
        p_holm=p,
        effect=rank_biserial(differences),
    )


def _paired(a: Samples, b: Samples, metric: str) -> tuple[Array64, Array64]:
    """Scores `(seeds, n)` of both on the samples that both have."""
    if metric not in a.values or metric not in b.values:
        return np.empty((1, 0)), np.empty((1, 0))
    if a.ids != b.ids:
        known = set(b.ids)
        shared = [sample for sample in a.ids if sample in known]
        a, b = a.only(shared), b.only(shared)
    first, second = a.values[metric], b.values[metric]
    there = np.isfinite(first).all(axis=0) & np.isfinite(second).all(axis=0)
    return first[:, there], second[:, there]


def wilcoxon(differences: Array64) -> list[float]:
    """Two-sided p-values of the signed-rank test.

    Differences of zero are left out; where there are no others the p-value is 1.

    Args:
        differences: `(pairs, n)`.
    """
    from scipy import stats

    p_values = np.ones(len(differences))
    told = differences.any(axis=1)
    with warnings.catch_warnings():
        # of few samples: the p-value says that already
        warnings.simplefilter("ignore")
        if differences.shape[1] > EXACT and told.any():
            p_values[told] = stats.wilcoxon(differences[told], axis=1).pvalue
        else:
            # how SciPy computes a p-value of few depends on ties and zeros, so each pair goes by itself
            p_values[told] = [stats.wilcoxon(row).pvalue for row in differences[told]]
    return p_values.tolist()


def rank_biserial(differences: Array64) -> float:
    """Matched-pairs rank-biserial correlation (Kerby 2014): share of positive less share of negative ranks."""
    from scipy import stats

    nonzero = differences[differences != 0]
    if not len(nonzero):
        return 0.0
    ranks = stats.rankdata(np.abs(nonzero))
    return float((ranks * np.sign(nonzero)).sum() / ranks.sum())


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's step-down correction (1979), in the order given."""
    corrected = [0.0] * len(p_values)
    largest = 0.0
    for rank, place in enumerate(np.argsort(p_values, kind="stable")):
        largest = max(largest, min((len(p_values) - rank) * p_values[place], 1.0))
        corrected[place] = largest
    return corrected
