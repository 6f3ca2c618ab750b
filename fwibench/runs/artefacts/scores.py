"""Scores of each test sample of a run: `scores.csv`.

Invariant: one row for each sample, with its stable id; a missing score is NaN. The column `group` is there only where
several samples have the same group: a table without it is of independent samples, or of an early version.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

import numpy as np

from fwibench.errors import RecordError
from fwibench.files.atomic import reading, write_text
from fwibench.metrics.pooling import pool
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.specs.metric import TABLE_COLUMNS, Pooling
from fwibench.typing import Array64

AGAIN = "fwibench rescore writes it again"
"""Hint for a damaged table."""
LARGEST = 1e100
"""Largest score or cost: sums and squares of larger numbers overflow. Errors of float32 maps stay below 1e78."""


@dataclass(frozen=True)
class Scores:
    """Scores of one run.

    Attributes:
        ids: Sample ids, `(n,)`.
        values: Scores by metric, `(n,)` each.
        groups: Group of each sample, `(n,)`, see `Dataset.groups`; empty if every sample is a group of its own.
    """

    ids: tuple[str, ...]
    values: dict[str, Array64]
    groups: tuple[str, ...] = ()

    def pooled(self, pooling: Mapping[str, Pooling] = MappingProxyType({})) -> dict[str, float | None]:
        """Return the score over all samples, by metric; None if a sample has no score.

        Args:
            pooling: How the scores of a metric are pooled, by metric; the mean by default.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            found = {name: pool(values, pooling.get(name, "mean")) for name, values in self.values.items()}
        return {name: score if abs(score) <= LARGEST else None for name, score in found.items()}


def write_scores(scores: Scores, folder: Path) -> None:
    """Write the scores of a run into its folder, atomically."""
    write_text(RunFiles(folder).scores, format_scores(scores))


def format_scores(scores: Scores) -> str:
    """Return the table of scores as it is written."""
    table = io.StringIO()
    writer = csv.writer(table)
    grouped = len(set(scores.groups)) < len(scores.groups)
    names = zip(scores.ids, scores.groups, strict=True) if grouped else zip(scores.ids, strict=True)
    writer.writerow([*TABLE_COLUMNS[: 1 + grouped], *scores.values])
    columns = [np.where(np.abs(values) <= LARGEST, values, np.nan) for values in scores.values.values()]
    writer.writerows([*sample, *(repr(float(s[i])) for s in columns)] for i, sample in enumerate(names))
    return table.getvalue()


def read_scores(folder: Path, metrics: Sequence[str] | None = None) -> Scores:
    """Read the scores of a run.

    Args:
        folder: Folder of the run.
        metrics: Names of the metrics to read if the table has them; None reads all.

    Raises:
        RecordError: The table is missing or damaged, or has a sample twice.
    """
    path = RunFiles(folder).scores
    with reading(path, "scores", AGAIN, RecordError):
        return parse_scores(path.read_text(encoding="utf-8"), path, metrics)


def parse_scores(text: str, path: Path, metrics: Sequence[str] | None = None) -> Scores:
    """Check and return the scores in the content of a file.

    Args:
        text: The content, CSV.
        path: The file, for messages.
        metrics: See `read_scores`.

    Raises:
        RecordError: See `read_scores`.
    """
    with reading(path, "scores", AGAIN, RecordError):
        header, columns = _read_table(text)
        if not header or header[0] != "id" or len(set(header)) < len(header) or "group" in header[2:]:
            raise ValueError("its first line does not name id, group if there are groups, and then each metric once")
        if not columns:
            raise ValueError("it has no samples")
        ids, *columns = columns
        if len(columns) + 1 != len(header):
            raise ValueError(f"it has {len(columns) + 1} columns and {len(header)} column names")
        groups: tuple[str, ...] = columns.pop(0) if header[1:2] == ["group"] else ()
        values = {
            name: np.fromiter(map(float, column), np.float64)
            for name, column in zip(header[1 + bool(groups) :], columns, strict=True)
            if metrics is None or name in metrics
        }
        for name, column in values.items():
            if (np.abs(column) > LARGEST).any():
                raise ValueError(f"{name} has scores beyond {LARGEST:g}")
    if len(set(ids)) < len(ids):
        raise RecordError(f"{path} has a sample twice", AGAIN)
    return Scores(_shared(ids), values, _shared(groups))


def _read_table(text: str) -> tuple[list[str], list[tuple[str, ...]]]:
    """Return the first line and the columns below it, none if there is nothing below; `ValueError` for ragged lines."""
    first, _, rest = text.partition("\n")
    if '"' not in text and rest.endswith("\n"):
        # without quotes all fields are split at once, which takes a third of the time; an end of a line is a field too
        width = first.count(",") + 1
        fields = rest[:-1].replace("\n", ",\n,").split(",")
        lines = rest.count("\n")
        if fields[width :: width + 1].count("\n") == lines - 1 and len(fields) + 1 == lines * (width + 1):
            return first.split(","), [tuple(fields[number :: width + 1]) for number in range(width)]
    header, *rows = csv.reader(io.StringIO(text))
    return header, list(zip(*rows, strict=True))


@lru_cache(maxsize=16)
def _shared(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return the names; the same object for equal ones, since most runs of a dataset have the same samples."""
    return names
