"""The dataset contract: named pairs of measurement and property, with a problem and splits."""

from __future__ import annotations

import hashlib
import json
import shlex
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fwibench.datasets.agreement import Agreement, compare_samples
from fwibench.datasets.noise import Noise
from fwibench.datasets.splits import SPLITS
from fwibench.errors import DataError, OptionError, UnknownNameError
from fwibench.problem import Problem, Ricker, SeismicSurvey
from fwibench.samples import ShardedArray, Split, Transform, evenly_spaced
from fwibench.seeds import derive_seed
from fwibench.specs.dataset import DatasetSpec, Profile, Source
from fwibench.specs.dataset_options import DISTURBANCES, ON_READING, DatasetOptions
from fwibench.text.quoting import select
from fwibench.typing import Indices

Progress = Callable[[int, int], None]
"""Called with the number of samples done and of all samples."""


def digest(value: Any) -> str:
    """Return the SHA-256 of a value of JSON types."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


class Shards(NamedTuple):
    """Files of the samples.

    Attributes:
        measurements: `.npy` files of `(n, S, T, R)`.
        properties: `.npy` files of `(n, 1, Z, X)`, one for each of `measurements`.
        counts: Samples in each pair of files.
    """

    measurements: tuple[Path, ...]
    properties: tuple[Path, ...]
    counts: tuple[int, ...]


class Estimate(NamedTuple):
    """Cost of making the missing samples.

    Attributes:
        samples: Number of samples.
        size: Disk space [bytes].
        seconds: Time on all cores of this machine [s].
    """

    samples: int
    size: int
    seconds: float


class Dataset(ABC):
    """Named pairs of measurement and property, with a problem and splits.

    Args:
        spec: The dataset's spec.
        options: Validated options, an instance of `spec.options`.
        profile: Decides the number of samples.

    Attributes:
        device: Device on which `prepare` simulates: one of `devices`, or a GPU by its number (`cuda:1`). The samples of
            a GPU are those of a CPU up to rounding, and the fingerprint is the same.
    """

    device: str = "cpu"

    def __init__(self, spec: DatasetSpec, options: DatasetOptions, profile: Profile) -> None:
        self.spec = spec
        self.options = options
        self.profile = profile

    @property
    @abstractmethod
    def problem(self) -> Problem:
        """The inverse problem; known before any measurement is read."""

    @property
    def measured_problem(self) -> Problem:
        """The problem of methods and metrics: with the noise that is added to the measurements."""
        snr = self.options.snr
        return self.problem if snr is None else self.problem.model_copy(update={"noise": 10.0 ** (-snr / 20)})

    @property
    @abstractmethod
    def size(self) -> int:
        """Number of samples in this profile."""

    @property
    @abstractmethod
    def identity(self) -> str:
        """SHA-256 of everything that the samples depend on, except their number."""

    @property
    @abstractmethod
    def folder(self) -> Path:
        """Folder of the samples, for messages."""

    @abstractmethod
    def indices(self, scheme: str) -> dict[str, Indices]:
        """Return the sample numbers of `train`, `val` and `test` under a split scheme of the spec.

        These are all samples; `selected` applies the option `train_samples`.
        """

    def selected(self, scheme: str) -> dict[str, Indices]:
        """Return the sample numbers of each split that are used: `indices`, with the option `train_samples`.

        The chosen train samples are random, since neighbouring samples may be alike. A smaller number of them is a
        part of a larger one.

        Args:
            scheme: Split scheme of the spec.

        Raises:
            OptionError: There are fewer train samples than the option asks for.
        """
        parts, wanted = self.indices(scheme), self.options.train_samples
        if wanted is None:
            return parts
        train = parts["train"]
        if wanted > len(train):
            raise OptionError(
                f"train_samples is {wanted}, {self.spec.name} ({self.profile}) has {len(train)} train samples in its "
                f"split {scheme}",
                f"give {len(train)} or fewer, or a larger profile" if self.profile != "paper" else "give fewer",
            )
        order = np.random.default_rng(derive_seed("train-samples", self.spec.name, scheme)).permutation(len(train))
        return {**parts, "train": np.sort(train[order[:wanted]])}

    def groups(self, scheme: str, numbers: Indices) -> tuple[str, ...]:
        """Return the group of each sample: samples of one group are not independent, such as steps of one simulation.

        Intervals and tests of scores are of groups. The group of a sample does not depend on the other numbers.

        Args:
            scheme: Split scheme of the spec.
            numbers: Sample numbers of one split, or some of them.

        Returns:
            Names such as `scenario-12`, `(n,)`. Default: empty, for every sample is a group of its own.
        """
        return ()

    @abstractmethod
    def arrays(self) -> Shards:
        """Return the files of the samples, in order."""

    @abstractmethod
    def prepared(self) -> bool:
        """Return whether all samples of this profile are on disk."""

    @abstractmethod
    def prepare(self, progress: Progress = lambda done, total: None) -> None:
        """Make the missing samples, if any."""

    @property
    def devices(self) -> tuple[str, ...]:
        """Kinds of devices that samples can be simulated on. Default: `cpu`."""
        return ("cpu",)

    def check_options(self) -> None:
        """Check that the options fit the survey; no sample is read.

        Raises:
            OptionError: An option needs another kind of survey or wavelet, or moves all signals out of the record.
        """
        options = self.options
        if not (options.wavelet_shift or options.time_shift):
            return
        name, survey = self.spec.name, self.problem.survey
        if not isinstance(survey, SeismicSurvey):
            option = "wavelet_shift" if options.wavelet_shift else "time_shift"
            raise OptionError(
                f"{option} needs a time axis, and the measurements of {name} are electromagnetic",
                f"leave {option} out; snr, missing_traces and gain apply to {name}",
            )
        if options.wavelet_shift and not isinstance(survey.wavelet, Ricker):
            raise OptionError(
                f"wavelet_shift needs a Ricker wavelet, and that of {name} is given by its samples",
                "leave wavelet_shift out",
            )
        if abs(options.time_shift) >= survey.nt * survey.dt:
            raise OptionError(
                f"time_shift is {options.time_shift:g} s, and the record of {name} ends at {survey.nt * survey.dt:g} s",
                "give a smaller shift, in seconds",
            )

    def check(self) -> None:
        """Check that the samples are complete, and unchanged since they were made or first read.

        Raises:
            DataError: They are not; the message names the file and what to do.
        """
        if not self.prepared():
            raise DataError(f"{self.spec.name} ({self.profile}) is not prepared in {self.folder}", self.preparing)

    def doubts(self) -> list[str]:
        """Return a sentence for each property of the files that is suspicious; for warnings and notes of runs."""
        return []

    @property
    def selection(self) -> str:
        """Selection of the dataset on the command line: its name, with its options in brackets."""
        return select(self.spec.name, self.options.model_dump(mode="json", exclude_defaults=True))

    @property
    def preparing(self) -> str:
        """Command that prepares the dataset, quoted for a shell."""
        return shlex.join(["fwibench", "data", "prepare", self.selection, "--profile", self.profile])

    @property
    def summary(self) -> str:
        """Description of the samples in one line. Default: the summary of the spec."""
        return self.spec.summary

    @property
    def licence(self) -> str:
        """Licence of the samples. Default: that of the spec."""
        return self.spec.licence

    @property
    def caveats(self) -> tuple[str, ...]:
        """Limits of results on these samples. Default: the caveats of the spec."""
        return self.spec.caveats

    def samples_in_files(self) -> dict[Path, int]:
        """Return the number of samples in each file of `arrays`."""
        shards = self.arrays()
        return {
            path: count
            for paths in (shards.measurements, shards.properties)
            for path, count in zip(paths, shards.counts, strict=True)
        }

    def digests(self) -> dict[Path, str]:
        """Return the recorded SHA-256 of each file; empty if there is no record."""
        return {}

    def missing_bytes(self) -> int:
        """Return the disk space of the missing samples [bytes]."""
        return 0

    def estimate(self) -> Estimate | None:
        """Return disk space and time of `prepare`; None if no samples are missing."""
        return None

    @abstractmethod
    def verify(self) -> list[str]:
        """Return a line for each fault of the files."""

    def check_physics(self, count: int = 8) -> list[Agreement]:
        """Simulate stored properties and compare with the stored measurements.

        Args:
            count: Largest number of samples, evenly spaced.

        Returns:
            One agreement for each sample; empty if the problem has no physics.
        """
        if self.problem.physics is None:
            return []
        numbers = evenly_spaced(self.size, count)
        return compare_samples(self.problem, *self._open(numbers), numbers)

    @property
    def repair(self) -> str:
        """Advice on faults that `verify` finds."""
        return "prepare it again, which finishes what was interrupted; if that does not help, delete its folder first"

    @property
    def repair_physics(self) -> str:
        """Advice on stored measurements that differ from simulations."""
        return self.repair

    def warnings(self) -> list[str]:
        """Return a line for each property of the samples that makes scores doubtful."""
        return []

    @property
    def tolerance(self) -> float:
        """Largest residual of a stored measurement and its simulation; processors differ in rounding."""
        return 1e-3

    @property
    def source(self) -> Source:
        """`files` if the samples come from original files, else as in the spec."""
        return "files" if getattr(self.options, "path", None) else self.spec.source

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the identity of the samples, their number, and the options that apply on reading."""
        reading = self.options.model_dump(mode="json", include=set(ON_READING), exclude_defaults=True)
        return digest([self.identity, self.size, *([reading] if reading else [])])

    def split(self, scheme: str, name: str) -> Split:
        """Open one split, memory-mapped.

        Args:
            scheme: Split scheme of the spec.
            name: `train`, `val` or `test`.

        Raises:
            UnknownNameError: There is no such scheme or split.
            OptionError: There are too few train samples; see `selected`.
            DataError: The dataset is not prepared, or files were changed; see `check`.
        """
        if scheme not in self.spec.schemes:
            raise UnknownNameError.among(f"split scheme of {self.spec.name}", scheme, self.spec.schemes)
        if name not in SPLITS:
            raise UnknownNameError.among("split", name, SPLITS)
        self.check()
        chosen = self.selected(scheme)[name]
        measurements, properties = self._open(chosen, self.noise(name))
        return Split(
            name=name,
            ids=tuple(self.sample_id(int(i)) for i in chosen),
            measurements=measurements,
            properties=properties,
            groups=self.groups(scheme, chosen),
        )

    def _open(self, chosen: Indices, transform: Transform | None = None) -> tuple[ShardedArray, ShardedArray]:
        shards, problem = self.arrays(), self.problem
        return (
            ShardedArray(shards.measurements, shards.counts, problem.measurement_shape, chosen, transform),
            ShardedArray(shards.properties, shards.counts, problem.property_shape, chosen),
        )

    def sample_id(self, number: int) -> str:
        """Return the stable id of a sample, which does not depend on the profile."""
        return f"{self.spec.name}-{number:06d}"

    def noise(self, split: str) -> Transform | None:
        """Return what is added to the measurements of a split when they are read; None for nothing."""
        options, survey = self.options, self.problem.survey
        degrade = bool(options.model_dump(include=set(DISTURBANCES), exclude_defaults=True))
        degrade = degrade and not (options.noisy == "test" and split != "test")
        # val gets simulator noise as train does, so that penalties are chosen with it; test stays as simulated
        simulator = options.simulator_noise > 0 and split != "test"
        if not (degrade or simulator):
            return None
        seismic = survey if isinstance(survey, SeismicSurvey) else None
        return Noise(self.spec.name, options, seismic, degrade=degrade, simulator=simulator)
