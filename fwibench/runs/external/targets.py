"""Test samples that predictions are scored on: those of a dataset, or of a file with the truth.

Such a file belongs to the organisers of a blind comparison. It holds the true maps with their ids, and the dataset,
split, profile and problem that they are of, so the samples of the dataset need not be on the machine that scores.

Invariant: the fingerprint of a file is that of the dataset whose maps were written, so scores against either agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fwibench.errors import DataError
from fwibench.files.atomic import atomic_write, reading, sha256
from fwibench.files.npy import read_npz
from fwibench.problem import Frozen, Problem
from fwibench.runs.artefacts.cell import CellDataset
from fwibench.samples import MemoryArray, Split
from fwibench.specs.dataset import Profile

if TYPE_CHECKING:
    from fwibench.datasets.base import Dataset

SHORTEST = 8
"""Fewest characters of a fingerprint that identify a dataset."""


class About(Frozen):
    """What test samples are of."""

    dataset: CellDataset
    profile: Profile
    source: str
    problem: Problem


@dataclass(frozen=True)
class Target:
    """Test samples with their truth.

    Attributes:
        about: What they are of.
        test: The samples; those of a file have no measurements.
        truth_sha256: SHA-256 of the file with the truth; empty for the truth of the dataset.
    """

    about: About
    test: Split
    truth_sha256: str = ""


def target_of(dataset: Dataset, scheme: str) -> Target:
    """Return the test samples of a prepared dataset.

    Args:
        dataset: The dataset.
        scheme: Split scheme.
    """
    chosen = CellDataset(
        dataset=dataset.spec.name,
        dataset_options=dataset.options.model_dump(mode="json", exclude_defaults=True),
        fingerprint=dataset.fingerprint,
        split=scheme,
    )
    about = About(dataset=chosen, profile=dataset.profile, source=dataset.source, problem=dataset.measured_problem)
    return Target(about, dataset.split(scheme, "test"))


def write_truth(target: Target, path: Path) -> None:
    """Write the truth of test samples to an `.npz` file, atomically.

    Args:
        target: The test samples.
        path: The file.
    """
    test = target.test
    with atomic_write(path) as stream:
        np.savez(
            stream,
            ids=np.array(test.ids),
            groups=np.array(test.groups, np.str_),
            truth=test.properties[:],
            about=np.array(target.about.model_dump_json()),
        )


def read_truth(path: Path) -> Target:
    """Read a file that `write_truth` wrote.

    Raises:
        DataError: The file is absent, damaged or holds something else.
    """
    with reading(path, "the truth of test samples", "fwibench data export-inputs --hidden-truth writes it"):
        found = read_npz(path, ("ids", "groups", "truth", "about"))
        about = About.model_validate_json(str(found["about"]))
        ids, groups, truth = tuple(map(str, found["ids"])), tuple(map(str, found["groups"])), found["truth"]
        if truth.shape != (len(ids), *about.problem.property_shape) or len(groups) not in (0, len(ids)):
            raise ValueError(f"{len(ids)} samples have maps of shape {truth.shape} and {len(groups)} groups")
        if truth.dtype != np.float32 or not np.isfinite(truth).all():
            raise ValueError("its maps are not finite float32 values")
    measurements = MemoryArray(np.empty((0, *about.problem.measurement_shape), np.float32))
    return Target(about, Split("test", ids, measurements, MemoryArray(truth), groups), sha256(path))


def check_same_data(target: Target, fingerprint: str, what: str) -> None:
    """Raise `DataError` if a fingerprint is stated and is not that of the target.

    Args:
        target: The test samples.
        fingerprint: The stated fingerprint, or its first characters; empty if none is stated.
        what: What it is of, for the message.
    """
    own = target.about.dataset.fingerprint
    if fingerprint and not (len(fingerprint) >= SHORTEST and own.startswith(fingerprint)):
        raise DataError(
            f"{what} is of a dataset with the fingerprint {fingerprint[:12]}, {target.about.dataset.variant} "
            f"({target.about.profile}) has {own[:12]}",
            "name the dataset, its options and the profile that the predictions are of",
        )
