"""Entries of bundles, in the order of their submission.

Invariant: of several entries of one cell the latest stands on the boards; the others are kept for the history.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from fwibench.report.site.names import DIGITS
from fwibench.runs.artefacts.record import EXTERNAL, Record
from fwibench.runs.artefacts.scores import Scores
from fwibench.typing import Maps


@dataclass(frozen=True)
class Submission:
    """A bundle.

    Attributes:
        file: Name of its file.
        sha256: SHA-256 of the file.
        created: When it was made.
        fwibench: Version of fwibench that made it.
        rounding: How its predictions are rounded, in words.
    """

    file: str
    sha256: str
    created: datetime
    fwibench: str
    rounding: str


@dataclass(frozen=True)
class Entry:
    """A run of a bundle.

    Attributes:
        record: Its record.
        scores: Scores of its test samples.
        metrics: Versions of the metrics that the scores are of, by metric.
        left_out: Metrics of the run whose scores a bundle cannot hold.
        rounding: Largest rounding of a node, in the unit of the property.
        submission: The bundle.
        predictions: Reads its predictions `(n, 1, Z, X)`, in the order of the scores, in the unit of the property.
    """

    record: Record
    scores: Scores = field(repr=False)
    metrics: Mapping[str, str]
    left_out: Sequence[str]
    rounding: float
    submission: Submission
    predictions: Callable[[], Maps] = field(repr=False)

    @property
    def page(self) -> str:
        """Name of its page."""
        return self.record.cell.key[:DIGITS]

    @property
    def day(self) -> str:
        """Day of its submission."""
        return f"{self.submission.created:%Y-%m-%d}"

    @property
    def order(self) -> tuple[datetime, str, str]:
        """Sort key by submission."""
        return self.submission.created, self.submission.sha256, self.record.cell.key

    @property
    def external(self) -> bool:
        """Whether its predictions were made elsewhere."""
        return self.record.kind == EXTERNAL


def latest(entries: Iterable[Entry]) -> list[Entry]:
    """Return the latest entry of each cell, in the order of submission.

    Args:
        entries: In the order of submission.
    """
    found = {entry.record.cell.key: entry for entry in entries}
    return sorted(found.values(), key=lambda entry: entry.order)


def differing_versions(entries: Sequence[Entry]) -> dict[str, list[str]]:
    """Return the versions of each metric that entries were scored with several versions of, the latest last."""
    used: dict[str, set[str]] = {}
    for entry in entries:
        for metric, version in entry.metrics.items():
            used.setdefault(metric, set()).add(version)
    # 10 comes after 9
    ordered = {metric: sorted(versions, key=lambda one: (len(one), one)) for metric, versions in used.items()}
    return {metric: ordered[metric] for metric in sorted(ordered) if len(ordered[metric]) > 1}
