"""One number for a row of several columns: the area under a curve, or the exponent of a power law.

Invariant: a summary is computed sample by sample where it is linear in the scores, so that its interval and its
comparisons are paired like those of any score.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fwibench.boards.samples import Samples
from fwibench.boards.statistics import LEVEL
from fwibench.specs.study import Quantity
from fwibench.studies.results import CaseResult, Ends, StudyResults, Value
from fwibench.typing import Array64

RESAMPLES = 500
SEED = 20220717


def cases_of_row(results: StudyResults, block: str, row: str) -> list[CaseResult]:
    """Return the cases of a row, column by column.

    Args:
        results: The results.
        block: Block of the row.
        row: The row.
    """
    return [case for (own, name, _), case in results.cases.items() if (own, name) == (block, row)]


def summarised(results: StudyResults, block: str, row: str, column: str) -> CaseResult | None:
    """Return the result of a row in a column; in no column, that of the row's area if it has columns.

    Args:
        results: The results.
        block: Block of the row.
        row: The row.
        column: The column; empty for the only one, or for the area.
    """
    if (block, row, column) in results.cases:
        return results.cases[block, row, column]
    cases = cases_of_row(results, block, row)
    if column or not cases or results.plan.study.row_summary != "area":
        return None
    lacking = next((case for case in cases if case.gap and not case.ok), None)
    if lacking is not None:
        return lacking
    return replace(cases[0], samples=area(cases))


def area(cases: list[CaseResult]) -> Samples | None:
    """Return the mean height of the curve of each sample and seed over the horizontal axis: area divided by width.

    Args:
        cases: The cases of a row, which have the same samples and numbers of seeds.

    Returns:
        The areas of each metric; None unless all cases have scores of the same samples and a position.
    """
    pairs = [(case.case.x, case.samples) for case in cases]
    known = [(x, samples) for x, samples in pairs if x is not None and samples is not None]
    if len(known) != len(cases) or len(known) < 2:
        return None
    known.sort(key=lambda pair: pair[0])
    positions = np.array([x for x, _ in known])
    ids = known[0][1].ids
    if any(set(samples.ids) != set(ids) for _, samples in known):
        return None
    aligned = [samples.only(ids) for _, samples in known]
    metrics = [name for name in aligned[0].values if all(name in one.values for one in aligned)]
    values = {}
    for name in metrics:
        seeds = min(len(one.values[name]) for one in aligned)
        heights = np.stack([one.values[name][:seeds] for one in aligned])
        middles = (heights[1:] + heights[:-1]) / 2
        values[name] = np.tensordot(np.diff(positions), middles, axes=1) / np.ptp(positions)
    return Samples(ids, values, aligned[0].groups, aligned[0].pooling)


def power_law(cases: list[CaseResult], metric: str) -> tuple[float, Ends] | None:
    """Fit error = c n^-b to a row by least squares of logarithms; return b and its 95 % bootstrap interval.

    Groups of samples are drawn with replacement, the same ones for all positions.

    Args:
        cases: The cases of a row; their `x` is n.
        metric: Metric of the error.
    """
    known = [
        (case.case.x, case.samples) for case in cases if case.case.x and case.samples and metric in case.samples.values
    ]
    if len(known) < 3:
        return None
    positions = np.log([x for x, _ in known if x])
    ids = known[0][1].ids
    if any(set(samples.ids) != set(ids) for _, samples in known):
        return None
    errors = np.stack([samples.only(ids).over_groups(metric) for _, samples in known])
    groups = errors.shape[1]
    rng = np.random.default_rng(SEED)
    weights = rng.multinomial(groups, np.full(groups, 1 / groups), size=RESAMPLES) / groups
    exponents = -_slope(positions, np.log(errors @ weights.T))
    low, high = np.quantile(exponents, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(-_slope(positions, np.log(errors.mean(axis=1, keepdims=True)))[0]), (float(low), float(high))


def _slope(x: Array64, y: Array64) -> Array64:
    """Slopes of the columns of `y` `(positions, n)` over `x`, by least squares."""
    centred = x - x.mean()
    slopes: Array64 = centred @ y / np.square(centred).sum()
    return slopes


def summary_value(results: StudyResults, block: str, row: str, quantity: Quantity) -> Value:
    """Return the summary of a row: that which the study names; not measured if it cannot be computed.

    Args:
        results: The results.
        block: Block of the row.
        row: The row.
        quantity: The quantity, which must be a metric.
    """
    cases = cases_of_row(results, block, row)
    column = cases[0].columns.by_key.get(quantity.key) if cases else None
    if column is None or not column.metric:
        return Value()
    if results.plan.study.row_summary == "power-law":
        fitted = power_law(cases, column.metric)
        return Value() if fitted is None else Value(fitted[0], fitted[1], over="test samples")
    whole = summarised(results, block, row, "")
    if whole is None or whole.samples is None or column.metric not in whole.samples.values:
        return Value()
    return whole.value(quantity)
