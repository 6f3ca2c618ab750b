"""Scores of each test sample, of all seeds of a row.

Invariant: every seed has the same samples, in the same order; scores of different rows are paired by sample id.
Samples of one group are not independent, so intervals and tests count groups.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from fwibench.errors import RecordError
from fwibench.metrics.pooling import from_means, pool, to_terms
from fwibench.runs.artefacts.record import Record
from fwibench.runs.artefacts.scores import Scores
from fwibench.specs.metric import Pooling
from fwibench.text.readable import counted
from fwibench.typing import Array64, Indices

Read = Callable[[Record, Sequence[str] | None], Scores]
"""Returns the scores of a finished run, of some metrics or all; raises `RecordError` if they cannot be read."""


@dataclass(frozen=True)
class Samples:
    """Scores of a row.

    Attributes:
        ids: Ids of the samples, `(n,)`.
        values: Scores by metric, `(seeds, n)` each; only metrics that all seeds have.
        groups: Group of each sample, `(n,)`; empty if every sample is a group of its own.
        pooling: How scores are pooled, by metric; the mean of metrics that are not named.
    """

    ids: tuple[str, ...]
    values: dict[str, Array64]
    groups: tuple[str, ...] = ()
    pooling: Mapping[str, Pooling] = field(default_factory=dict, repr=False)

    @cached_property
    def grouping(self) -> Indices | None:
        """Number of each sample's group, see `group_numbers`."""
        return group_numbers(self.groups)

    @property
    def n_groups(self) -> int:
        """Number of groups: that of samples if every sample is a group of its own."""
        return count_groups(len(self.ids), self.grouping)

    @property
    def extent(self) -> str:
        """Number of samples and of groups in words."""
        return describe_extent(len(self.ids), self.n_groups, "test sample", self.groups)

    def only(self, ids: Iterable[str]) -> Samples:
        """Return the scores of some samples, which must all be there.

        Args:
            ids: Ids of the samples.
        """
        chosen = tuple(ids)
        if chosen == self.ids:
            return self
        positions = {sample: position for position, sample in enumerate(self.ids)}
        columns = [positions[sample] for sample in chosen]
        values = {name: scores[:, columns] for name, scores in self.values.items()}
        groups = tuple(self.groups[column] for column in columns) if self.groups else ()
        return replace(self, ids=chosen, values=values, groups=groups)

    def pooling_of(self, metric: str) -> Pooling:
        """Return how the scores of a metric are pooled."""
        return self.pooling.get(metric, "mean")

    def pooled(self, metric: str) -> float | None:
        """Return the score over all seeds and samples; None if a score is missing."""
        if metric not in self.values:
            return None
        score = pool(self.values[metric], self.pooling_of(metric))
        return score if np.isfinite(score) else None

    def over_seeds(self, metric: str) -> Array64:
        """Return the score of each sample, pooled over the seeds, `(n,)`."""
        return over_seeds(self.values[metric], self.pooling_of(metric))

    def over_groups(self, metric: str) -> Array64:
        """Return the score of each group, pooled over its samples and the seeds, `(groups,)`."""
        return over_groups(self.values[metric], self.grouping, self.pooling_of(metric))


def group_numbers(groups: Sequence[str]) -> Indices | None:
    """Return the number of each sample's group, in the order of their first samples.

    Args:
        groups: Group of each sample; empty if every sample is a group of its own.

    Returns:
        Numbers from 0, `(n,)`; None if every sample is a group of its own.
    """
    numbers: dict[str, int] = {}
    found = [numbers.setdefault(group, len(numbers)) for group in groups]
    return np.array(found, np.int64) if len(numbers) < len(groups) else None


def count_groups(n: int, grouping: Indices | None) -> int:
    """Return the number of groups of `n` samples; with a grouping of None every sample is one."""
    return n if grouping is None else int(grouping.max(initial=-1)) + 1


def describe_extent(n: int, groups: int, word: str, names: Sequence[str] = ()) -> str:
    """Return `10 test samples`, or `8 groups (scenario-3, ...) of 160 test samples`.

    Args:
        n: Number of samples.
        groups: Number of groups.
        word: What a sample is called.
        names: Group of each sample; the first one is the example.
    """
    if groups == n:
        return counted(n, word)
    example = f" ({names[0]}{', ...' * (groups > 1)})" if names else ""
    return f"{counted(groups, 'group')}{example} of {counted(n, word)}"


def over_seeds(scores: Array64, pooling: Pooling) -> Array64:
    """Return the score of each sample, pooled over the seeds.

    Args:
        scores: `(seeds, n)`.
        pooling: How scores are pooled.

    Returns:
        Scores `(n,)`.
    """
    return from_means(to_terms(scores, pooling).mean(axis=0), pooling)


def over_groups(scores: Array64, grouping: Indices | None, pooling: Pooling) -> Array64:
    """Return the score of each group, pooled over its samples and the seeds.

    Args:
        scores: `(seeds, n)`.
        grouping: Number of each sample's group; None if every sample is a group of its own.
        pooling: How scores are pooled.

    Returns:
        Scores `(groups,)`.
    """
    if grouping is None:
        return over_seeds(scores, pooling)
    terms = to_terms(scores, pooling).mean(axis=0)
    return from_means(np.bincount(grouping, terms) / np.bincount(grouping), pooling)


def read_samples(
    records: Sequence[Record],
    read: Read,
    metrics: Sequence[str] | None,
    pooling: Mapping[str, Pooling],
    *,
    common: bool = False,
) -> tuple[Samples | None, list[str]]:
    """Read the scores of the seeds of a row.

    Args:
        records: Records of the seeds.
        read: Reads the scores of one seed.
        metrics: Metrics whose scores are read; None for all.
        pooling: How scores are pooled, by metric.
        common: Use the samples that all seeds have, if they were scored on different ones.

    Returns:
        The scores, None unless those of all seeds can be read; and a line for each fault.
    """
    faults = []
    found: list[Scores] = []
    for record in records:
        try:
            found.append(read(record, metrics))
        except RecordError as error:
            faults.append(f"{record.run_id} has no interval and no rank: {error.message}; {error.hint}")
    if not found or faults:
        return None, faults
    names = [name for name in found[0].values if all(name in one.values for one in found)]
    seeds = [Samples(one.ids, {name: one.values[name][None] for name in names}, one.groups, pooling) for one in found]
    shared = found[0].ids
    if any(one.ids != shared for one in found):
        everywhere = set.intersection(*(set(one.ids) for one in found))
        shared = tuple(sample for sample in shared if sample in everywhere)
        if not common or not shared:
            which = f"{records[0].run_id} has no interval and no rank"
            return None, [f"{which}: its seeds were not scored on the same samples"]
        faults.append(f"{records[0].run_id}: its seeds have {len(shared)} test samples in common")
        seeds = [one.only(shared) for one in seeds]
    # a seed of an early version, or one that was not scored again, has no groups
    groups = next((one.groups for one in seeds if one.groups), ())
    values = {name: np.concatenate([one.values[name] for one in seeds]) for name in names}
    return Samples(shared, values, groups, pooling), faults
