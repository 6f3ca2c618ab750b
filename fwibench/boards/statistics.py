"""Bootstrap intervals of means, and signed-rank tests of paired differences.

Samples of one group are not independent: groups are resampled whole, and a test has one pair of each group.

Invariant: the same scores give the same interval, whatever else is computed beside them.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from fwibench.boards.samples import Samples, count_groups
from fwibench.metrics.pooling import from_means, to_terms
from fwibench.specs.metric import Pooling
from fwibench.typing import Array64, Indices, Scores

RESAMPLES = 2000
LEVEL = 0.95
SEED = 20220717
"""Seed of the resampling; any number does, but a changed one changes every interval."""
BLOCK = 2**22
"""Weights held in memory at once."""
ALPHA = 0.05
"""Two methods differ significantly where the corrected p-value is below this."""
EXACT = 50
"""Number of samples beyond which SciPy always takes the normal approximation."""

Ends = tuple[float, float]


def interval(scores: Scores, grouping: Indices | None = None, pooling: Pooling = "mean") -> Ends | None:
    """Return the 95 % bootstrap interval of the score pooled over seeds and samples.

    Every seed sees the same samples, so seeds and samples are drawn with replacement independently, and a resample is
    the mean over all drawn pairs (Owen, Annals of Applied Statistics 2007). Groups of samples are drawn instead of
    samples where there are some (cluster bootstrap). The ends are percentiles, expanded for the number of samples or
    groups, see `tail`. One seed says nothing about the spread between seeds: the interval then covers the samples
    alone. With few seeds it is too narrow.

    Args:
        scores: `(seeds, samples)`.
        grouping: Number of each sample's group, see `group_numbers`; None if every sample is a group of its own.
        pooling: How scores are pooled.

    Returns:
        Both ends; None for a single sample or group, or where a score is missing.
    """
    n = count_groups(scores.shape[1], grouping)
    if n < 2 or not np.isfinite(scores).all():
        return None
    return _ends(_resample(scores, "seeds", grouping, pooling), n)


def interval_of_difference(
    first: Scores, second: Scores, grouping: Indices | None = None, pooling: Pooling = "mean"
) -> Ends | None:
    """Return the 95 % bootstrap interval of the first pooled score minus the second, on the same samples.

    A resample has the same samples or groups for both methods, and seeds of its own for each.

    Args:
        first: `(seeds, samples)`.
        second: `(other seeds, samples)`.
        grouping: See `interval`.
        pooling: See `interval`.

    Returns:
        Both ends; None for a single sample or group, or where a score is missing.
    """
    n = count_groups(first.shape[1], grouping)
    if n < 2 or not (np.isfinite(first).all() and np.isfinite(second).all()):
        return None
    ours, theirs = (
        _resample(scores, seeds, grouping, pooling)
        for scores, seeds in ((first, "seeds"), (second, "seeds of the other"))
    )
    return _ends(ours - theirs, n)


def tail(samples: int) -> float:
    """Return the fraction of the resampled means beyond each end of the interval.

    Percentiles of few samples are too narrow, like a normal interval with the samples' own standard deviation. They are
    expanded as Student's t widens the normal interval (expanded percentile interval of Hesterberg, The American
    Statistician 2015).

    Args:
        samples: Number of samples, or of groups of samples, at least 2.
    """
    from scipy.special import ndtr, stdtrit

    return float(ndtr(math.sqrt(samples / (samples - 1)) * stdtrit(samples - 1, (1 - LEVEL) / 2)))


def indistinguishable(best: Samples, others: Sequence[Samples], metric: str, better: str) -> list[bool]:
    """Return for each method whether it is statistically indistinguishable from the best.

    A method that is better on most samples but has the worse mean, because of a few large errors, counts as
    indistinguishable, too. Where samples have groups, groups are counted instead, each with the mean of its samples.

    Args:
        best: Scores of the method with the best mean.
        others: Scores of the others, on the same samples.
        metric: Metric that is compared.
        better: Which scores are better: `low` or `high`.
    """
    scores = best.over_groups(metric)
    others = [replace(one.only(best.ids), groups=best.groups) for one in others]
    differences = np.stack([one.over_groups(metric) - scores for one in others])
    sign = 1 if better == "low" else -1
    ahead = rank_biserial(sign * differences) <= 0
    return [p >= ALPHA or leads for p, leads in zip(holm(wilcoxon(differences)), ahead, strict=True)]


def least_samples(comparisons: int) -> int:
    """Return the number of samples, or groups, below which no difference is significant.

    The p-value of n pairs is at least 2 ** (1 - n).

    Args:
        comparisons: Number of comparisons that are corrected together.
    """
    return 1 + math.ceil(math.log2(comparisons / ALPHA))


def wilcoxon(differences: Array64) -> list[float]:
    """Return two-sided p-values of Wilcoxon's signed-rank test.

    Differences of zero are left out; if all are zero the p-value is 1.

    Args:
        differences: `(pairs, n)`.
    """
    from scipy import stats

    p_values = np.ones(len(differences))
    nonzero = differences.any(axis=1)
    with warnings.catch_warnings():
        # SciPy warns of few samples; the p-value tells that already
        warnings.simplefilter("ignore")
        if differences.shape[1] > EXACT and nonzero.any():
            p_values[nonzero] = stats.wilcoxon(differences[nonzero], axis=1).pvalue
        else:
            # SciPy chooses its method by ties and zeros, so each pair is tested by itself
            p_values[nonzero] = [stats.wilcoxon(row).pvalue for row in differences[nonzero]]
    return p_values.tolist()


def rank_biserial(differences: Array64) -> Array64:
    """Return the matched-pairs rank-biserial correlation (Kerby 2014): positive minus negative share of the ranks.

    Args:
        differences: `(..., n)`; those of zero are left out.

    Returns:
        Correlations `(...)`; 0 where all differences are zero.
    """
    from scipy import stats

    sizes = np.abs(differences)
    # zeros have the lowest ranks
    zeros = (sizes == 0).sum(axis=-1, keepdims=True)
    ranks = np.where(sizes == 0, 0.0, stats.rankdata(sizes, axis=-1) - zeros)
    whole = ranks.sum(axis=-1)
    return np.asarray((ranks * np.sign(differences)).sum(axis=-1) / np.where(whole == 0, 1.0, whole))


def holm(p_values: Sequence[float]) -> list[float]:
    """Return p-values after Holm's step-down correction (1979), in the order given."""
    corrected = [0.0] * len(p_values)
    largest = 0.0
    for rank, index in enumerate(np.argsort(p_values, kind="stable")):
        largest = max(largest, min((len(p_values) - rank) * p_values[index], 1.0))
        corrected[index] = largest
    return corrected


def _resample(scores: Scores, seeds: str, grouping: Indices | None, pooling: Pooling) -> Scores:
    """Pooled scores of the resamples."""
    terms = to_terms(scores, pooling)
    if grouping is None:
        return from_means(_means(terms, seeds), pooling)
    sums = np.array([np.bincount(grouping, row) for row in terms], np.float64)
    sizes = np.array([np.bincount(grouping)], np.float64)
    # a resample has as many samples as the drawn groups together
    return from_means(_means(sums, seeds) / _means(sizes, seeds), pooling)


def _ends(means: Scores, samples: int) -> Ends:
    outside = tail(samples)
    low, high = np.quantile(means, [outside, 1 - outside])
    return float(low), float(high)


def _means(scores: Scores, seeds: str) -> Scores:
    """Means of the resamples; methods with the same `seeds` name share their draws of seeds."""
    repetitions, samples = scores.shape
    rows = min(max(BLOCK // samples, 1), RESAMPLES)
    return np.concatenate(
        [
            # not `@`: threads of BLAS cost more than they gain here, and their number would change the last digits
            (np.einsum("bn,sn->bs", _weights(samples, rows, start, "samples"), scores) * drawn).sum(1)
            for start in range(0, RESAMPLES, rows)
            for drawn in (_weights(repetitions, rows, start, seeds),)
        ]
    )[:RESAMPLES]


# methods are compared on the same samples, so their draws are made once
@lru_cache(maxsize=16)
def _weights(n: int, rows: int, start: int, what: str) -> Scores:
    """Weights `(rows, n)` of `n` seeds or samples in the resamples from number `start` on."""
    if n == 1:
        return np.ones((rows, 1))
    generator = np.random.default_rng([SEED, n, start, *what.encode()])
    return generator.multinomial(n, np.full(n, 1 / n), size=rows) / n
