"""Paired comparisons of methods on the samples that both were scored on.

Invariant: only methods of one setting are compared: tracks, sources, splits and profiles never mix. The test averages
seeds first, so that a pair is two numbers a sample, or a group of samples that are not independent of each other.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fwibench.boards.board import ONE_SEED, Line, by_setting
from fwibench.boards.rows import Column, Setting
from fwibench.boards.samples import Samples, describe_extent
from fwibench.boards.statistics import (
    ALPHA,
    holm,
    interval_of_difference,
    least_samples,
    rank_biserial,
    wilcoxon,
)
from fwibench.errors import DataError, UnknownNameError, UsageError
from fwibench.metrics.pooling import pool

INDISTINGUISHABLE = "statistically indistinguishable"


@dataclass(frozen=True)
class Comparison:
    """Two methods on the same samples; differences are the first minus the second.

    Attributes:
        method: The first.
        other: The second.
        metric: Metric that is compared.
        n: Number of samples that both have.
        groups: Number of their groups, which the interval and the test count; n if all samples are independent.
        seeds: Seeds of the first.
        other_seeds: Seeds of the second.
        mean: Score of the first on these samples, pooled as the metric declares.
        other_mean: Score of the second.
        difference: Difference of the two.
        ci_low: Lower end of its 95 % bootstrap interval over samples and seeds; None for a single sample.
        ci_high: Upper end.
        p: Two-sided p-value of Wilcoxon's signed-rank test.
        p_holm: p-value after Holm's correction over the comparisons made together.
        effect: Matched-pairs rank-biserial correlation: -1 if the first is lower on every sample or group, 1 if it is
            higher on every one.
    """

    method: str
    other: str
    metric: str
    n: int
    groups: int
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

    def verdict(self, order: Callable[[float], float]) -> str:
        """Return the better method, or that the two are indistinguishable or that mean and ranks disagree.

        Args:
            order: Returns a number that is the lower the better a score is, see `Column.order`.
        """
        if self.p_holm >= ALPHA:
            return INDISTINGUISHABLE
        if self.difference * self.effect <= 0:
            return "mean and ranks disagree"
        return self.method if order(self.mean) < order(self.other_mean) else self.other


@dataclass(frozen=True)
class Compared:
    """Comparisons in one setting.

    Attributes:
        setting: Dataset, source, split, track and profile.
        column: Column of the metric.
        unit: Unit of the scores; empty for a pure number.
        comparisons: Corrected together.
        of_one_seed: Whether scores of one seed are compared, of a method whose results depend on the seed.
    """

    setting: Setting
    column: Column
    unit: str
    comparisons: list[Comparison]
    of_one_seed: bool = False


def compare_all(lines: Iterable[Line], names: Sequence[str], column: Column) -> tuple[list[Compared], list[str]]:
    """Compare each pair of the named methods, in every setting in which two of them were run.

    Args:
        lines: Lines of a board.
        names: Methods, with options where several rows have the name.
        column: Column of the metric that is compared.

    Returns:
        The comparisons by setting; a line for each pair that could not be compared, and notes on the others.

    Raises:
        UsageError: A name is unknown, or several rows of a setting have it.
        DataError: No two of the methods were run in the same setting.
    """
    made, faults = [], []
    settings = by_setting(lines)
    _check_names(names, settings)
    for here in settings.values():
        chosen = [line for name in names if (line := find_line(here, name))]
        pairs = list(itertools.combinations([line.label for line in chosen], 2))
        one, missing = _compare_here(pairs, chosen, column)
        made += one
        faults += missing
    if not made:
        where = "; ".join(
            f"{name} in {setting.title}"
            for name in names
            for setting, here in settings.items()
            if find_line(here, name)
        )
        reason = "; ".join(faults) or f"no two were scored in the same setting: {where}"
        raise DataError(f"{', '.join(names)} cannot be compared: {reason}", "fwibench leaderboard lists all rows")
    return made, [*faults, *_notes(made)]


def compare_with(lines: Iterable[Line], baseline: str, column: Column) -> tuple[list[Compared], list[str]]:
    """Compare every method with a baseline, in every setting in which that was run.

    Args:
        lines: Lines of a board.
        baseline: Name of a method, with options where several rows have the name.
        column: Column of the metric that is compared.

    Returns:
        The comparisons by setting; a line for each comparison that could not be made, and notes on the others.

    Raises:
        UsageError: The name is unknown, or several rows of a setting have it.
    """
    made, faults = [], []
    settings = by_setting(lines)
    _check_names([baseline], settings)
    for setting, here in settings.items():
        base = find_line(here, baseline)
        if base is None:
            faults.append(f"{setting.title}: {baseline} was not run there")
            continue
        chosen = [line for name in dict.fromkeys(line.label for line in here) if (line := find_line(here, name))]
        pairs = [(line.label, base.label) for line in chosen if line is not base]
        one, missing = _compare_here(pairs, chosen, column)
        made += one
        faults += missing
    return made, [*faults, *_notes(made)]


def find_line(lines: Sequence[Line], name: str) -> Line | None:
    """Return the line of a method of one setting: the one with these options, or the only one of that name.

    Args:
        lines: Lines of one setting.
        name: Name of the method, with or without options.

    Raises:
        UsageError: Several have the name, with different options.
    """
    exact = [line for line in lines if line.label == name]
    found = exact or [line for line in lines if line.row["method"] == name]
    if len({line.label for line in found}) > 1:
        labels = " or ".join(dict.fromkeys(line.label for line in found))
        raise UsageError(f"{len(found)} rows are named '{name}' in {lines[0].setting.title}", f"choose {labels}")
    # a method scored on several choices of test samples: the one with most; several versions: the latest
    return max(found, key=lambda line: (line.row["n_test"] or 0, line.row["date_utc"] or ""), default=None)


def compare(
    pairs: Iterable[tuple[str, str]], samples: Mapping[str, Samples], metric: str
) -> tuple[list[Comparison], list[str]]:
    """Compare pairs of methods and correct their p-values together.

    Args:
        pairs: Names, first and second.
        samples: Scores by name.
        metric: Metric that is compared.

    Returns:
        The comparisons, and a line for each pair that shares no scores.
    """
    made, faults = [], []
    for first, second in pairs:
        pair = paired(samples[first], samples[second], metric)
        if pair is not None and pair[0].ids:
            made.append(_compare_pair(first, second, metric, *pair))
        else:
            faults.append(f"{first} and {second} share no samples with a score of {metric}")
    corrected = holm([one.p for one in made])
    return [replace(one, p_holm=p) for one, p in zip(made, corrected, strict=True)], faults


def _compare_here(
    pairs: Iterable[tuple[str, str]], lines: Sequence[Line], column: Column
) -> tuple[list[Compared], list[str]]:
    """Comparisons in one setting, and a line for each reason against one."""
    samples = {line.label: line.samples for line in lines if line.samples is not None}
    faults = [fault for line in lines for fault in line.faults]
    faults += [f"{line.label} has no scores: {line.row['status']}" for line in lines if line.row["status"] != "ok"]
    comparisons, missing = compare([pair for pair in pairs if {*pair} <= {*samples}], samples, column.metric)
    faults += missing
    fewest = min(comparisons, key=lambda one: one.groups, default=None)
    if fewest is not None and fewest.groups < (least := least_samples(len(comparisons))):
        groups = samples[fewest.method].groups or samples[fewest.other].groups
        extent = describe_extent(fewest.n, fewest.groups, "sample", groups)
        verb = "is" if fewest.groups == 1 else "are"
        faults.append(f"{extent} {verb} too few for a significant difference here; at least {least} are needed")
    made = []
    if comparisons:
        unit = next((line.row.unit for line in lines if line.row.unit), "")
        names = {name for one in comparisons for name in (one.method, one.other)}
        of_one_seed = any(line.row.of_one_seed for line in lines if line.label in names)
        made.append(Compared(lines[0].setting, column, column.unit(unit), comparisons, of_one_seed))
    return made, [f"{lines[0].setting.title}: {fault}" for fault in faults]


def _notes(made: Iterable[Compared]) -> list[str]:
    """What to know of all comparisons together."""
    return [ONE_SEED] if any(one.of_one_seed for one in made) else []


def _compare_pair(first: str, second: str, metric: str, a: Samples, b: Samples) -> Comparison:
    pooling = a.pooling_of(metric)
    ends = interval_of_difference(a.values[metric], b.values[metric], a.grouping, pooling) or (None, None)
    scores, other_scores = a.over_seeds(metric), b.over_seeds(metric)
    mean, other_mean = pool(scores, pooling), pool(other_scores, pooling)
    of_groups = a.over_groups(metric) - b.over_groups(metric)
    (p,) = wilcoxon(of_groups[None])
    return Comparison(
        method=first,
        other=second,
        metric=metric,
        n=len(a.ids),
        groups=a.n_groups,
        seeds=len(a.values[metric]),
        other_seeds=len(b.values[metric]),
        mean=mean,
        other_mean=other_mean,
        # the mean difference is rounded less than the difference of two large means
        difference=float((scores - other_scores).mean()) if pooling == "mean" else mean - other_mean,
        ci_low=ends[0],
        ci_high=ends[1],
        p=p,
        p_holm=p,
        effect=float(rank_biserial(of_groups)),
    )


def paired(a: Samples, b: Samples, metric: str) -> tuple[Samples, Samples] | None:
    """Return the scores of two methods on the samples that both have a score of.

    Args:
        a: Scores of the first.
        b: Scores of the second.
        metric: The metric.

    Returns:
        Both with the same samples in the same order; None if one has no scores of the metric.
    """
    if metric not in a.values or metric not in b.values:
        return None
    if a.ids != b.ids:
        known = set(b.ids)
        shared = [sample for sample in a.ids if sample in known]
        a, b = a.only(shared), b.only(shared)
    complete = np.isfinite(np.concatenate([a.values[metric], b.values[metric]])).all(axis=0)
    groups = tuple(itertools.compress(a.groups or b.groups, complete.tolist()))
    ids = tuple(itertools.compress(a.ids, complete.tolist()))
    first, second = (Samples(ids, {metric: one.values[metric][:, complete]}, groups, a.pooling) for one in (a, b))
    return first, second


def _check_names(names: Sequence[str], settings: Mapping[Setting, Sequence[Line]]) -> None:
    known = {text for here in settings.values() for line in here for text in (line.label, line.row["method"])}
    for name in names:
        if name not in known:
            raise UnknownNameError.among("method in these results", name, known)
