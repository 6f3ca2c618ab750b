"""Scores of each test sample, of all seeds of a row.

Invariant: every seed has the same samples, in the same order; scores of different rows are paired by sample id.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from fwibench.errors import RecordError
from fwibench.runs.artefacts.record import Record
from fwibench.runs.artefacts.scores import Scores
from fwibench.typing import Array64

Read = Callable[[Record, Sequence[str] | None], Scores]
"""Returns the scores of a finished run, of some metrics or all; raises `RecordError` if they cannot be read."""


@dataclass(frozen=True)
class Samples:
    """Scores of a row.

    Attributes:
        ids: Ids of the samples, `(n,)`.
        values: Scores by metric, `(seeds, n)` each; only metrics that all seeds have.
    """

    ids: tuple[str, ...]
    values: dict[str, Array64]

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
        return Samples(chosen, {name: scores[:, columns] for name, scores in self.values.items()})

    def mean(self, metric: str) -> float | None:
        """Return the mean over seeds and samples; None if a score is missing."""
        if metric not in self.values:
            return None
        mean = float(self.values[metric].mean())
        return mean if np.isfinite(mean) else None

    def over_seeds(self, metric: str) -> Array64:
        """Return the mean over the seeds, `(n,)`."""
        return self.values[metric].mean(axis=0)


def read_samples(
    records: Sequence[Record], read: Read, metrics: Sequence[str] | None, *, common: bool = False
) -> tuple[Samples | None, list[str]]:
    """Read the scores of the seeds of a row.

    Args:
        records: Records of the seeds.
        read: Reads the scores of one seed.
        metrics: Metrics whose scores are read; None for all.
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
    seeds = [Samples(one.ids, {name: one.values[name][None] for name in names}) for one in found]
    shared = found[0].ids
    if any(one.ids != shared for one in found):
        everywhere = set.intersection(*(set(one.ids) for one in found))
        shared = tuple(sample for sample in shared if sample in everywhere)
        if not common or not shared:
            which = f"{records[0].run_id} has no interval and no rank"
            return None, [f"{which}: its seeds were not scored on the same samples"]
        faults.append(f"{records[0].run_id}: its seeds have {len(shared)} test samples in common")
        seeds = [one.only(shared) for one in seeds]
    return Samples(shared, {name: np.concatenate([one.values[name] for one in seeds]) for name in names}), faults
