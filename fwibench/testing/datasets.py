"""Checks that every dataset must pass, on its profile smoke and in temporary folders.

Invariant: the user's own data folder is neither read nor written.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np

from fwibench.datasets.base import Dataset
from fwibench.datasets.splits import SPLITS
from fwibench.datasets.stored import StoredDataset
from fwibench.files.atomic import DATA_VARIABLE
from fwibench.problem import Problem
from fwibench.samples import Split
from fwibench.specs.dataset import PROFILES, DatasetSpec, Profile
from fwibench.testing.checks import NotApplicableError, as_checks, require
from fwibench.testing.process_state import disturb
from fwibench.testing.specs import entry_module_is_light, options_survive_json
from fwibench.typing import Array32

BOUNDS_SLACK = 1e-3
"""How far a property may be beyond its bounds, as a share of their range: original files are rounded."""
SAME = 1e-5
"""Largest relative difference of a sample that is made twice."""
FEW = 3


class DatasetSubject:
    """A dataset under test.

    Args:
        spec: The dataset's.
        options: Values that differ from the defaults.
        entry: Module of the plugin's hooks; empty if no plugin offers it.
    """

    def __init__(self, spec: DatasetSpec, options: Mapping[str, Any] | None = None, entry: str = "") -> None:
        self.spec, self.entry = spec, entry
        self._chosen = dict(options or {})

    @cached_property
    def folder(self) -> Path:
        """Where its samples lie until the subject is forgotten."""
        folder = Path(tempfile.mkdtemp(prefix="fwibench-check-"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return folder

    def open(self, profile: Profile = "smoke", place: str = "first") -> Dataset:
        """A new object of the dataset, whose samples lie in a place of their own."""
        with self._data_in(place):
            dataset = self.spec.load()(self.spec, self.spec.options.model_validate(self._chosen), profile)
            require(
                isinstance(dataset, Dataset), f"{self.spec.target} made {type(dataset).__name__}, expected a Dataset"
            )
            if isinstance(dataset, StoredDataset):
                # where samples lie is settled when the store is first asked for
                _ = dataset.store
            found: Dataset = dataset
            return found

    @cached_property
    def prepared(self) -> Dataset:
        """The dataset, prepared."""
        return self._prepare("first")

    @cached_property
    def second(self) -> Dataset:
        """The same, prepared in another folder."""
        disturb(1)
        return self._prepare("second")

    def splits(self, dataset: Dataset) -> Iterator[Split]:
        """The splits of the first scheme."""
        for name in SPLITS:
            yield dataset.split(self.spec.schemes[0], name)

    def _prepare(self, place: str) -> Dataset:
        dataset = self.open(place=place)
        with self._data_in(place):
            dataset.prepare()
        return dataset

    @contextmanager
    def _data_in(self, place: str) -> Iterator[None]:
        before = os.environ.get(DATA_VARIABLE)
        os.environ[DATA_VARIABLE] = str(self.folder / place)
        try:
            yield
        finally:
            if before is None:
                del os.environ[DATA_VARIABLE]
            else:
                os.environ[DATA_VARIABLE] = before


def target_is_a_dataset(subject: DatasetSubject) -> None:
    """The spec's target makes a Dataset in every profile, and a larger profile has no fewer samples."""
    sizes = [subject.open(profile).size for profile in PROFILES]
    require(all(less <= more for less, more in pairwise(sizes)), f"sizes of {', '.join(PROFILES)} are {sizes}")


def problem_is_as_declared(subject: DatasetSubject) -> None:
    """The problem is known before data are, survives JSON, and has the kind of measurement that the spec declares."""
    problem = subject.open().problem
    kind, declared = problem.survey.kind, subject.spec.measurements
    require(kind == declared, f"the problem's survey is {kind}, the spec declares {declared} measurements")
    require(Problem.model_validate_json(problem.model_dump_json()) == problem, "the problem does not survive JSON")


def splits_are_sound(subject: DatasetSubject) -> None:
    """Every scheme gives train, val and test: not empty, disjoint, within the dataset, and the same each time."""
    for scheme in subject.spec.schemes:
        dataset = subject.open()
        indices, again = dataset.indices(scheme), subject.open().indices(scheme)
        require(set(indices) == set(SPLITS), f"{scheme} gives {', '.join(indices)}, expected {', '.join(SPLITS)}")
        for name in SPLITS:
            require(len(indices[name]), f"{name} of {scheme} is empty")
            require(np.array_equal(indices[name], again[name]), f"{name} of {scheme} is another one each time")
        every = np.concatenate([indices[name] for name in SPLITS])
        require(len(np.unique(every)) == len(every), f"splits of {scheme} share samples")
        inside = every.min() >= 0 and every.max() < dataset.size
        require(inside, f"{scheme} deals out samples {every.min()} to {every.max()}, there are {dataset.size}")


def prepares_and_verifies(subject: DatasetSubject) -> None:
    """In an empty folder nothing is prepared; after `prepare` everything is, and `verify` finds no fault."""
    fresh = subject.open(place="empty")
    require(fresh.source == "files" or not fresh.prepared(), "it says that it is prepared in an empty folder")
    dataset = subject.prepared
    require(dataset.prepared(), "it is not prepared after prepare")
    require(not dataset.missing_bytes(), f"after prepare {dataset.missing_bytes()} bytes are missing")
    faults = dataset.verify()
    require(not faults, f"verify finds: {'; '.join(faults[:3])}")


def samples_fit_the_problem(subject: DatasetSubject) -> None:
    """Measurements (n, S, T, R) and properties (n, 1, Z, X) have the problem's shapes, are float32 and finite."""
    problem = subject.prepared.problem
    shapes = {"measurements": problem.measurement_shape, "properties": problem.property_shape}
    for split in subject.splits(subject.prepared):
        require(len(set(split.ids)) == len(split), f"ids of {split.name} are not unique")
        for what, shape in shapes.items():
            array = getattr(split, what)
            require(array.shape == (len(split), *shape), f"{what} of {split.name} have shape {array.shape}")
            for sample in (array[i] for i in range(len(split))):
                require(sample.dtype == np.float32, f"{what} of {split.name} are {sample.dtype}, expected float32")
                require(np.isfinite(sample).all(), f"{what} of {split.name} hold values that are not finite")


def properties_are_within_bounds(subject: DatasetSubject) -> None:
    """No property is beyond the bounds of the problem, by which maps and scores are scaled."""
    bounds = subject.prepared.problem.property
    slack = BOUNDS_SLACK * (bounds.high - bounds.low)
    for split in subject.splits(subject.prepared):
        for i, sample in enumerate(split.properties[j] for j in range(len(split))):
            low, high = float(sample.min()), float(sample.max())
            require(
                bounds.low - slack <= low and high <= bounds.high + slack,
                f"{split.ids[i]}: {bounds.name} {low:g} to {high:g}, expected {bounds.low:g} to {bounds.high:g}",
            )


def measurements_agree_with_physics(subject: DatasetSubject) -> None:
    """A stored measurement is what the problem's physics makes of its map."""
    dataset = subject.prepared
    if dataset.problem.physics is None:
        raise NotApplicableError("the problem is not simulated by this suite")
    for one in dataset.check_physics(1):
        require(
            one.residual <= dataset.tolerance,
            f"sample {one.number} differs by {one.residual:.1e} in relative L2, expected {dataset.tolerance:g} or less",
        )


def samples_depend_on_their_number(subject: DatasetSubject) -> None:
    """A sample that is made by itself is the same as one that is made after others."""
    dataset, fresh = subject.open(), subject.open()
    if not isinstance(dataset, StoredDataset) or not isinstance(fresh, StoredDataset):
        raise NotApplicableError("its samples lie in files")
    last = min(FEW, dataset.size) - 1
    *_, in_company = islice(dataset.samples(range(last + 1)), last + 1)
    disturb(2)
    alone = next(iter(fresh.samples(range(last, last + 1))))
    for what, one, other in zip(("measurement", "property"), alone, in_company, strict=True):
        require(_agree(one, other), f"{what} {last} is another one when it is made by itself")


def preparing_twice_is_the_same(subject: DatasetSubject) -> None:
    """Prepared again in another folder, samples and their ids are the same."""
    if subject.prepared.source == "files":
        raise NotApplicableError("its samples lie in files")
    for one, other in zip(subject.splits(subject.prepared), subject.splits(subject.second), strict=True):
        require(one.ids == other.ids, f"ids of {one.name} are others")
        for what in ("measurements", "properties"):
            for i in range(len(one)):
                same = _agree(getattr(one, what)[i], getattr(other, what)[i])
                require(same, f"{what} of {one.ids[i]} are others in a second folder")


def damage_is_found(subject: DatasetSubject) -> None:
    """`verify` finds a file that was changed after it was made."""
    if subject.prepared.source == "files":
        raise NotApplicableError("its samples lie in files")
    path = subject.second.arrays().properties[0]
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    try:
        require(subject.second.verify(), f"verify finds nothing wrong with {path.name}, one bit of which was changed")
    finally:
        path.write_bytes(content)


DATASET_CHECKS = as_checks(
    entry_module_is_light,
    options_survive_json,
    target_is_a_dataset,
    problem_is_as_declared,
    splits_are_sound,
    samples_depend_on_their_number,
    prepares_and_verifies,
    samples_fit_the_problem,
    properties_are_within_bounds,
    measurements_agree_with_physics,
    preparing_twice_is_the_same,
    damage_is_found,
)


def _agree(one: Array32, other: Array32) -> bool:
    """Whether two arrays are equal but for rounding."""
    scale = float(np.abs(other).max())
    return one.shape == other.shape and bool(np.abs(one - other).max() <= SAME * scale)
