"""Checks that every dataset must pass, with profile smoke and temporary folders.

Invariant: the data folder of the user is neither read nor written.
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
"""Largest excess of a property beyond its bounds over their range, since values of original files are rounded."""
SAME = 1e-5
"""Largest relative difference of a sample that is generated twice."""
FEW = 3
"""Number of samples that are generated for the comparison with a single one."""


class DatasetSubject:
    """A dataset under test.

    Args:
        spec: Spec of the dataset.
        options: Options that differ from the defaults.
        entry: Name of the module with the plugin's hooks; empty if no plugin offers the dataset.
    """

    def __init__(self, spec: DatasetSpec, options: Mapping[str, Any] | None = None, entry: str = "") -> None:
        self.spec, self.entry = spec, entry
        self._chosen = dict(options or {})

    @cached_property
    def folder(self) -> Path:
        """Temporary folder of the samples, which is removed with the subject."""
        folder = Path(tempfile.mkdtemp(prefix="fwibench-check-"))
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        return folder

    def open(self, profile: Profile = "smoke", folder: str = "first") -> Dataset:
        """Return a new object of the dataset.

        Args:
            profile: Profile of the dataset.
            folder: Name of the subfolder of `self.folder` for its samples.
        """
        with self._data_in(folder):
            dataset = self.spec.load()(self.spec, self.spec.options.model_validate(self._chosen), profile)
            require(
                isinstance(dataset, Dataset), f"{self.spec.target} made {type(dataset).__name__}, expected a Dataset"
            )
            if dataset.source == "synthetic":
                # the folder of the samples is determined when it is first accessed
                _ = dataset.folder
            found: Dataset = dataset
            return found

    @cached_property
    def prepared(self) -> Dataset:
        """The prepared dataset."""
        return self._prepare("first")

    @cached_property
    def second(self) -> Dataset:
        """The dataset, prepared in a second folder."""
        disturb(1)
        return self._prepare("second")

    def splits(self, dataset: Dataset) -> Iterator[Split]:
        """Yield the splits of the first scheme."""
        for name in SPLITS:
            yield dataset.split(self.spec.schemes[0], name)

    def _prepare(self, folder: str) -> Dataset:
        dataset = self.open(folder=folder)
        with self._data_in(folder):
            dataset.prepare()
        return dataset

    @contextmanager
    def _data_in(self, folder: str) -> Iterator[None]:
        before = os.environ.get(DATA_VARIABLE)
        os.environ[DATA_VARIABLE] = str(self.folder / folder)
        try:
            yield
        finally:
            if before is None:
                del os.environ[DATA_VARIABLE]
            else:
                os.environ[DATA_VARIABLE] = before


def target_is_a_dataset(subject: DatasetSubject) -> None:
    """The target of the spec is a Dataset for every profile, and a larger profile has at least as many samples."""
    sizes = [subject.open(profile).size for profile in PROFILES]
    require(all(less <= more for less, more in pairwise(sizes)), f"sizes of {', '.join(PROFILES)} are {sizes}")


def problem_is_as_declared(subject: DatasetSubject) -> None:
    """The problem is known without data, survives a JSON round-trip, and has the declared kind of measurement."""
    problem = subject.open().problem
    kind, declared = problem.survey.kind, subject.spec.measurements
    require(kind == declared, f"the problem's survey is {kind}, the spec declares {declared} measurements")
    require(
        Problem.model_validate_json(problem.model_dump_json()) == problem,
        "the problem does not survive a JSON round-trip",
    )


def splits_are_sound(subject: DatasetSubject) -> None:
    """Every scheme gives train, val and test, which are not empty, disjoint, within the dataset, and reproducible.

    Samples have a group each, which does not depend on the others, or none has one.
    """
    for scheme in subject.spec.schemes:
        dataset = subject.open()
        indices, again = dataset.indices(scheme), subject.open().indices(scheme)
        require(set(indices) == set(SPLITS), f"{scheme} gives {', '.join(indices)}, expected {', '.join(SPLITS)}")
        for name in SPLITS:
            require(len(indices[name]), f"{name} of {scheme} is empty")
            require(np.array_equal(indices[name], again[name]), f"{name} of {scheme} is not reproducible")
            groups, some = (dataset.groups(scheme, numbers) for numbers in (indices[name], indices[name][::2]))
            n = len(indices[name])
            require(len(groups) in (0, n), f"{name} of {scheme} has {len(groups)} groups for {n} samples")
            require(some == groups[::2], f"groups of {name} of {scheme} depend on the other samples")
        every = np.concatenate([indices[name] for name in SPLITS])
        require(len(np.unique(every)) == len(every), f"splits of {scheme} share samples")
        inside = every.min() >= 0 and every.max() < dataset.size
        require(inside, f"{scheme} has samples {every.min()} to {every.max()}, the dataset {dataset.size} samples")


def prepares_and_verifies(subject: DatasetSubject) -> None:
    """A dataset is prepared after `prepare` and not before, and `verify` finds no fault in it."""
    fresh = subject.open(folder="empty")
    require(fresh.source == "files" or not fresh.prepared(), "it claims to be prepared in an empty folder")
    dataset = subject.prepared
    require(dataset.prepared(), "it is not prepared after prepare")
    require(not dataset.missing_bytes(), f"after prepare {dataset.missing_bytes()} bytes are missing")
    faults = dataset.verify()
    require(not faults, f"verify finds: {'; '.join(faults[:3])}")


def samples_fit_the_problem(subject: DatasetSubject) -> None:
    """Measurements (n, S, T, R) and properties (n, 1, Z, X) have the problem's shapes and finite float32 values."""
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
    """Properties are within the bounds of the problem, by which maps and scores are scaled."""
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
    """A stored measurement equals the simulation of its map by the problem's physics."""
    dataset = subject.prepared
    if dataset.problem.physics is None:
        raise NotApplicableError("the suite does not simulate the problem")
    for one in dataset.check_physics(1):
        require(
            one.residual <= dataset.tolerance,
            f"sample {one.number} differs by {one.residual:.1e} in relative L2, expected {dataset.tolerance:g} or less",
        )


def samples_depend_on_their_number(subject: DatasetSubject) -> None:
    """A sample is the same whether it is generated alone or after others."""
    dataset, fresh = subject.open(), subject.open()
    if not isinstance(dataset, StoredDataset) or not isinstance(fresh, StoredDataset):
        raise NotApplicableError("its samples are original files, or those of other datasets")
    last = min(FEW, dataset.size) - 1
    *_, after_others = islice(dataset.samples(range(last + 1)), last + 1)
    disturb(2)
    alone = next(iter(fresh.samples(range(last, last + 1))))
    for what, one, other in zip(("measurement", "property"), alone, after_others, strict=True):
        require(_agree(one, other), f"{what} {last} differs when it is generated alone")


def preparing_twice_is_the_same(subject: DatasetSubject) -> None:
    """Samples and their ids are the same when the dataset is prepared again in another folder."""
    if subject.prepared.source == "files":
        raise NotApplicableError("its samples are original files")
    for one, other in zip(subject.splits(subject.prepared), subject.splits(subject.second), strict=True):
        require(one.ids == other.ids, f"ids of {one.name} differ in a second folder")
        for what in ("measurements", "properties"):
            for i in range(len(one)):
                same = _agree(getattr(one, what)[i], getattr(other, what)[i])
                require(same, f"{what} of {one.ids[i]} differ in a second folder")


def damage_is_found(subject: DatasetSubject) -> None:
    """`verify` finds a file that was changed after it was written."""
    if subject.prepared.source == "files":
        raise NotApplicableError("its samples are original files")
    path = subject.second.arrays().properties[0]
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    try:
        require(subject.second.verify(), f"verify does not find a changed bit in {path.name}")
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
    """Return whether two arrays are equal except for rounding."""
    scale = float(np.abs(other).max())
    return one.shape == other.shape and bool(np.abs(one - other).max() <= SAME * scale)
