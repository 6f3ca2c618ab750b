"""Claims of a study, judged on its results.

Invariant: a claim about measured numbers holds or does not hold only where the interval of the number or difference
says so; otherwise it cannot be told. Counts without uncertainty decide by themselves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from fwibench.boards.pairwise import compare, paired
from fwibench.boards.samples import Samples
from fwibench.boards.statistics import ALPHA, interval_of_difference
from fwibench.errors import UsageError
from fwibench.metrics.pooling import pool
from fwibench.specs.study import Claim, Quantity
from fwibench.studies.results import CaseResult, Ends, StudyResults, Value
from fwibench.studies.summaries import summarised
from fwibench.text.readable import counted, show_number

Outcome = Literal["holds", "does not hold", "cannot be told"]
DETECTED = 2.8
"""Standard errors by which a difference must exceed zero to be found at the 5 % level in 80 % of all repetitions."""


@dataclass(frozen=True)
class Verdict:
    """A judged claim.

    Attributes:
        claim: The claim.
        outcome: Whether it holds.
        evidence: The numbers behind it, in a sentence.
    """

    claim: Claim
    outcome: Outcome
    evidence: str


@dataclass(frozen=True)
class _Finding:
    """One comparison of a claim: whether it supports it, contradicts it or leaves it open."""

    outcome: Outcome
    evidence: str


def judge(results: StudyResults) -> list[Verdict]:
    """Judge the claims of a study whose rows are among the selected cases."""
    blocks = set(results.blocks)
    return [_judge(claim, results) for claim in results.plan.study.claims if claim.block in blocks]


def _judge(claim: Claim, results: StudyResults) -> Verdict:
    others = claim.others
    if claim.kind == "best":
        others = tuple(row for row in results.rows(claim.block) if row != claim.first)
    quantity = next(one for one in results.plan.study.quantities if one.key == claim.quantity)
    found: dict[str, CaseResult] = {}
    for row in (claim.first, *others):
        case = summarised(results, claim.block, row, claim.column)
        if case is None or not case.ok:
            return Verdict(claim, "cannot be told", f"{row}: {case.gap if case else 'not selected'}")
        found[row] = case
    first = found.pop(claim.first)
    if claim.kind in ("at-least", "at-most"):
        findings = [_against_bound(claim, first.value(quantity), quantity)]
    elif (metric := _metric(first, quantity)) and all(one.samples for one in (first, *found.values())):
        findings = _scores(claim, metric, first, found, _direction(quantity, first))
    else:
        findings = [_numbers(claim, quantity, first, row, other) for row, other in found.items()]
    return Verdict(claim, _together(findings), "; ".join(one.evidence for one in findings))


def _together(findings: Sequence[_Finding]) -> Outcome:
    outcomes = {one.outcome for one in findings}
    if "does not hold" in outcomes:
        return "does not hold"
    return "cannot be told" if "cannot be told" in outcomes or not outcomes else "holds"


def _metric(case: CaseResult, quantity: Quantity) -> str:
    """Name of the metric whose scores of samples are compared; empty for other numbers."""
    key = case.case.reads.get(quantity.key, quantity.key)
    column = case.columns.by_key.get(key)
    return column.metric if column is not None else ""


def _direction(quantity: Quantity, case: CaseResult) -> str:
    column = case.columns.by_key.get(quantity.key)
    better = quantity.better or (column.better if column is not None else "low")
    if better == "near":
        raise UsageError(f"{quantity.key} has a best value between low and high ones", "make no claim about it")
    return better


def _scores(claim: Claim, metric: str, first: CaseResult, others: dict[str, CaseResult], better: str) -> list[_Finding]:
    """Findings from the scores of the test samples, paired sample by sample."""
    if claim.kind in ("close", "ratio"):
        return [_scaled(claim, metric, first, row, other, better) for row, other in others.items()]
    samples = {claim.first: first.samples, **{row: other.samples for row, other in others.items()}}
    known = {row: one for row, one in samples.items() if one is not None}
    pairs = [(claim.first, row) for row in others]
    comparisons, faults = compare(pairs, known, metric)
    findings = [_Finding("cannot be told", fault) for fault in faults]
    for one in comparisons:
        ends = None if one.ci_low is None or one.ci_high is None else (one.ci_low, one.ci_high)
        clear = ends is not None and not ends[0] <= 0 <= ends[1] and one.p_holm < ALPHA
        ahead = (one.difference < 0) == (better == "low")
        outcome: Outcome = "cannot be told" if not clear else "holds" if ahead else "does not hold"
        told = f"{_relative(one.method, one.mean, one.other, one.other_mean)}, {_difference(one.difference, ends)}"
        both = paired(known[one.method], known[one.other], metric)
        if both is not None:
            told += f", p = {show_number(one.p_holm, 2)}, {_basis(both[0], one.seeds, one.other_seeds)}"
            told += "" if clear else _needed(*both, metric)
        findings.append(_Finding(outcome, told))
    return findings


def _scaled(claim: Claim, metric: str, first: CaseResult, row: str, other: CaseResult, better: str) -> _Finding:
    """Compare the scores of the first row with those of another times a factor."""
    bound = claim.bound or 0.0
    if claim.kind == "ratio":
        factor, sign = bound, 1.0
    else:
        factor, sign = (1 + bound, -1.0) if better == "low" else (1 - bound, 1.0)
    pair = paired(first.samples, other.samples, metric) if first.samples and other.samples else None
    if pair is None or not pair[0].ids:
        return _Finding("cannot be told", f"{claim.first} and {row} share no samples")
    a, b = (one.values[metric] for one in pair)
    pooling = pair[0].pooling_of(metric)
    # the pooled score of negative numbers would be positive: the sign is applied to the interval
    ends = interval_of_difference(a, factor * b, pair[0].grouping, pooling)
    ends = None if ends is None else ends if sign > 0 else (-ends[1], -ends[0])
    means = pool(a, pooling), pool(b, pooling)
    told = f"{_relative(claim.first, means[0], row, means[1])}, {_basis(pair[0], len(a), len(b))}"
    if ends is None:
        return _Finding("cannot be told", told)
    outcome: Outcome = "holds" if ends[0] > 0 else "does not hold" if ends[1] < 0 else "cannot be told"
    return _Finding(outcome, told)


def _numbers(claim: Claim, quantity: Quantity, first: CaseResult, row: str, other: CaseResult) -> _Finding:
    """Compare numbers that are no scores of samples: counts, costs and diagnostics."""
    a, b = first.value(quantity), other.value(quantity)
    if a.mean is None or b.mean is None:
        return _Finding("cannot be told", f"{claim.first if a.mean is None else row}: not measured")
    told = _relative(claim.first, a.mean, row, b.mean)
    better = _direction(quantity, first)
    ends = (a.mean / b.mean,) * 2 if quantity.exact and b.mean else _ratio(a, b)
    if ends is None:
        return _Finding("cannot be told", f"{told}; {a.over or 'one number'} give no interval")
    if not quantity.exact:
        told += f" (95 % of the ratio {show_number(ends[0], 3)} to {show_number(ends[1], 3)}; {a.over})"
    limit = {"ratio": claim.bound or 0.0, "close": 1 + (claim.bound or 0.0) * (1 if better == "low" else -1)}
    threshold = limit.get(claim.kind, 1.0)
    above = claim.kind == "ratio" or better == "high"
    low, high = ends if above else (-ends[1], -ends[0])
    threshold = threshold if above else -threshold
    reached = low >= threshold if claim.kind in ("ratio", "close") else low > threshold
    return _Finding("holds" if reached else "does not hold" if high < threshold else "cannot be told", told)


def _against_bound(claim: Claim, value: Value, quantity: Quantity) -> _Finding:
    if value.mean is None:
        return _Finding("cannot be told", f"{claim.first}: not measured")
    bound = claim.bound or 0.0
    told = f"{claim.first}: {show_number(value.mean)}"
    ends = (value.mean, value.mean) if quantity.exact else value.ends
    if ends is None:
        return _Finding("cannot be told", f"{told}; {value.over or 'one number'} gives no interval")
    if not quantity.exact:
        told += f" (95 % {show_number(ends[0])} to {show_number(ends[1])}, {value.over})"
    low, high = ends if claim.kind == "at-least" else (-ends[1], -ends[0])
    bound = bound if claim.kind == "at-least" else -bound
    return _Finding("holds" if low >= bound else "does not hold" if high < bound else "cannot be told", told)


def _ratio(a: Value, b: Value) -> Ends | None:
    """95 % interval of the ratio of two positive numbers; None where one has no interval.

    Numbers of several seeds are compared by Welch's t on their logarithms; others by the ends of their intervals, which
    is wider than necessary.
    """
    if min((*a.each, *b.each), default=0.0) > 0 and min(len(a.each), len(b.each)) > 1 and a.over == b.over:
        from scipy import stats

        found = stats.ttest_ind(np.log(a.each), np.log(b.each), equal_var=False)
        if math.isfinite(found.statistic):
            low, high = found.confidence_interval(0.95)
            return math.exp(low), math.exp(high)
    if a.ends is None or b.ends is None or min(*a.ends, *b.ends) <= 0:
        return None
    return a.ends[0] / b.ends[1], a.ends[1] / b.ends[0]


def _needed(a: Samples, b: Samples, metric: str) -> str:
    """How many samples or groups would tell a difference of the size that was seen, from its spread over them."""
    differences = a.over_groups(metric) - b.over_groups(metric)
    if len(differences) < 2 or not (mean := float(differences.mean())):
        return ""
    needed = math.ceil((DETECTED * float(differences.std(ddof=1)) / mean) ** 2)
    word = "sample" if a.n_groups == len(a.ids) else "group"
    return f"; a difference of this size needs about {counted(needed, word)}" if needed > len(differences) else ""


def _relative(first: str, mean: float, other: str, other_mean: float) -> str:
    ratio = f", ratio {show_number(mean / other_mean, 3)}" if other_mean else ""
    return f"{first} {show_number(mean)}, {other} {show_number(other_mean)}{ratio}"


def _difference(mean: float, ends: Ends | None) -> str:
    span = f" (95 % {show_number(ends[0])} to {show_number(ends[1])})" if ends else ""
    return f"difference {show_number(mean)}{span}"


def _basis(samples: Samples, seeds: int, other_seeds: int) -> str:
    return f"{samples.extent}, {seeds} and {counted(other_seeds, 'seed')}"
