"""Protection of the true test maps from methods, and detection of violations.

Invariant: the process of a method is given no true test map, unless its track is `oracle-start`. Code that searches for
the dataset's files can still read them: docs/guide/trust.md describes what is prevented and what is not.
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
    """Array with the shape of a split's maps that raises `MethodError` when it is indexed."""

    def __init__(self, like: ShardedArray) -> None:
        super().__init__((), (), like.shape[1:], np.zeros(len(like), np.int64))

    def __getitem__(self, key: Any) -> NoReturn:
        raise MethodError("the true maps of the test split are not shown to methods", "learn from train and val")


def seal(split: Split) -> Split:
    """Return a split whose measurements can be read, but whose property maps cannot."""
    return dataclasses.replace(split, properties=SealedArray(split.properties))


@dataclasses.dataclass(frozen=True)
class DataState:
    """State of a dataset's files at one moment.

    Attributes:
        files: State of each file.
        samples: Number of samples in each file.
        digests: SHA-256 of each file when it was written, if the dataset stores it.
    """

    files: dict[Path, file_states.State]
    samples: dict[Path, int]
    digests: dict[Path, str]


def data_state(dataset: Dataset) -> DataState:
    """Return the state of all files of a prepared dataset.

    Raises:
        DataError: A file is missing.
    """
    samples = dataset.samples_in_files()
    return DataState({path: file_states.state_of(path) for path in samples}, samples, dataset.digests())


def find_changed_files(before: DataState, dataset: Dataset) -> list[Path]:
    """Return the files of a dataset whose content has changed.

    A shard to which another command appended samples is not included, nor is a file with only a new time stamp.
    """
    now = data_state(dataset)
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


def count_exact_predictions(prediction: Array32, test: Split, rows: int) -> int:
    """Count the predicted maps that equal the truth in every node.

    Args:
        prediction: Predicted maps, `(n, 1, Z, X)`.
        test: Samples that were predicted, in the same order.
        rows: Number of samples to read at once.

    Returns:
        The number of exact predictions.
    """
    found = 0
    for first in range(0, len(test), rows):
        part = slice(first, first + rows)
        found += int((prediction[part] == test.properties[part]).all(axis=(1, 2, 3)).sum())
    return found
