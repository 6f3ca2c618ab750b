"""Keeping the truth of the test split away from methods, and noticing when that fails.

Invariant: the process of a method is handed no true test map, unless its track is shown them. Whoever goes looking for
the dataset's files can still read them: docs/trust.md says what is prevented and what is not.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from fwibench.errors import MethodError
from fwibench.files import states as file_states
from fwibench.files.atomic import sha256
from fwibench.samples import ShardedArray, Split
from fwibench.typing import Array32

if TYPE_CHECKING:
    from fwibench.datasets.base import Dataset


class SealedArray(ShardedArray):
    """Has the shape of a split's maps and refuses to show them."""

    def __init__(self, like: ShardedArray) -> None:
        super().__init__((), (), like.shape[1:], np.zeros(len(like), np.int64))

    def __getitem__(self, key: Any) -> NoReturn:
        raise MethodError("the true maps of the test split are not shown to methods", "learn from train and val")


def seal(split: Split) -> Split:
    """Return a split whose measurements can be read and whose maps cannot."""
    return dataclasses.replace(split, properties=SealedArray(split.properties))


@dataclasses.dataclass(frozen=True)
class DataState:
    """What the files of a dataset were like at one moment.

    Attributes:
        files: State of each file.
        samples: Samples in each file.
        digests: SHA-256 of each file as it was made, where the dataset keeps that.
    """

    files: dict[Path, file_states.State]
    samples: dict[Path, int]
    digests: dict[Path, str]


def state_of(dataset: Dataset) -> DataState:
    """Note the state of all files of a prepared dataset.

    Raises:
        DataError: A file is not there.
    """
    shards = dataset.arrays()
    samples = {
        path: count
        for paths in (shards.measurements, shards.properties)
        for path, count in zip(paths, shards.counts, strict=True)
    }
    return DataState({path: file_states.state_of(path) for path in samples}, samples, dataset.digests())


def find_changed(before: DataState, dataset: Dataset) -> list[Path]:
    """Return the files of a dataset whose content is another one than before.

    A shard that another command filled up with further samples is not among them, nor is one that was only touched.
    """
    now = state_of(dataset)
    return [
        path
        for path, state in before.files.items()
        if now.files.get(path) != state and not _same_content(path, before, now)
    ]


def _same_content(path: Path, before: DataState, now: DataState) -> bool:
    if path not in before.digests or path not in now.files:
        return False
    digest = sha256(path)
    grown = now.samples[path] > before.samples[path]
    return digest == before.digests[path] or (grown and digest == now.digests.get(path))


def count_exact(prediction: Array32, test: Split, rows: int) -> int:
    """Return how many predicted maps equal the truth in every node.

    Args:
        prediction: `(n, 1, Z, X)`.
        test: The samples that were predicted.
        rows: Samples to read at once.
    """
    found = 0
    for first in range(0, len(test), rows):
        part = slice(first, first + rows)
        found += int((prediction[part] == test.properties[part]).all(axis=(1, 2, 3)).sum())
    return found
