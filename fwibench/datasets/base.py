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

from fwibench.datasets.agreement import Agreement, compare_samples
from fwibench.datasets.noise import Noise
from fwibench.datasets.splits import SPLITS
from fwibench.errors import DataError, UnknownNameError
from fwibench.problem import Problem, SeismicSurvey
from fwibench.samples import ShardedArray, Split, Transform, evenly_spaced
from fwibench.specs.dataset import DatasetSpec, Profile, Source
from fwibench.specs.dataset_options import ON_READING, DatasetOptions
from fwibench.text.quoting import select
from fwibench.typing import Indices

Progress = Callable[[int, int], None]
"""Called with samples done and samples wanted."""


def digest(value: Any) -> str:
    """SHA-256 of a value that JSON can hold."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


class Shards(NamedTuple):
    """Where samples lie.

    Attributes:
        measurements: `.npy` files of `(n, S, T, R)`.
        properties: `.npy` files of `(n, 1, Z, X)`, one for each of `measurements`.
        counts: Samples in each pair of files.
    """

    measurements: tuple[Path, ...]
    properties: tuple[Path, ...]
    counts: tuple[int, ...]


class Estimate(NamedTuple):
    """What it will take to make the samples that are missing.

    Attributes:
        samples: How many.
        size: Disk [bytes].
        seconds: Time on this machine, all its cores.
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
    """

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
        """The problem as methods and metrics get it: with the noise that is added to its measurements."""
        snr = self.options.snr
        return self.problem if snr is None else self.problem.model_copy(update={"noise": 10.0 ** (-snr / 20)})

    @property
    @abstractmethod
    def size(self) -> int:
        """Number of samples in this profile."""

    @property
    @abstractmethod
    def identity(self) -> str:
        """SHA-256 of all that the samples depend on, however many there are."""

    @property
    @abstractmethod
    def folder(self) -> Path:
        """Where the samples lie, for messages."""

    @abstractmethod
    def indices(self, scheme: str) -> dict[str, Indices]:
        """Samples of `train`, `val` and `test` under a split scheme of the spec."""

    @abstractmethod
    def arrays(self) -> Shards:
        """The files that hold the samples, in their order."""

    @abstractmethod
    def prepared(self) -> bool:
        """Whether every sample of this profile is on disk."""

    @abstractmethod
    def prepare(self, progress: Progress = lambda done, total: None) -> None:
        """Makes the samples that are missing, if any."""

    def check(self) -> None:
        """Check that the samples can be used: all there, and as they were when they were made or first read.

        Raises:
            DataError: They cannot; says which file is at fault and what to do.
        """
        if not self.prepared():
            raise DataError(f"{self.spec.name} ({self.profile}) is not prepared in {self.folder}", self.preparing)

    def doubts(self) -> list[str]:
        """What looks wrong with the files but may be right, one sentence each; for warnings and notes of runs."""
        return []

    @property
    def selection(self) -> str:
        """The dataset as it is selected on the command line: its name, with its options in brackets."""
        return select(self.spec.name, self.options.model_dump(mode="json", exclude_defaults=True))

    @property
    def preparing(self) -> str:
        """The command that prepares the dataset, quoted for a shell."""
        return shlex.join(["fwibench", "data", "prepare", self.selection, "--profile", self.profile])

    @property
    def summary(self) -> str:
        """What the samples are, in one line. Default: as the spec says."""
        return self.spec.summary

    @property
    def licence(self) -> str:
        """Licence of the samples. Default: as the spec says."""
        return self.spec.licence

    @property
    def caveats(self) -> tuple[str, ...]:
        """What to know before results on these samples are trusted. Default: as the spec says."""
        return self.spec.caveats

    def digests(self) -> dict[Path, str]:
        """Return the SHA-256 of each file as it was made; empty where that is not kept."""
        return {}

    def missing_bytes(self) -> int:
        """Disk that the samples still to be made will take."""
        return 0

    def estimate(self) -> Estimate | None:
        """Disk and time that `prepare` will take; None where there is nothing to make."""
        return None

    @abstractmethod
    def verify(self) -> list[str]:
        """Finds what is wrong with the files: one line for each fault, empty when all is well."""

    def check_physics(self, count: int = 8) -> list[Agreement]:
        """Simulates stored properties again and compares with the stored measurements.

        Args:
            count: At most so many samples, spread evenly over all.

        Returns:
            One for each sample; empty where the problem has no physics.
        """
        if self.problem.physics is None:
            return []
        numbers = evenly_spaced(self.size, count)
        return compare_samples(self.problem, *self._open(numbers), numbers)

    @property
    def repair(self) -> str:
        """What to do about faults that `verify` finds."""
        return "prepare it again, which finishes what was interrupted; if that does not help, delete its folder first"

    @property
    def repair_physics(self) -> str:
        """What to do about stored measurements that differ from simulations."""
        return self.repair

    def warnings(self) -> list[str]:
        """What is no fault of the files, and yet makes scores doubtful: one line each."""
        return []

    @property
    def tolerance(self) -> float:
        """Residual up to which a stored measurement is what the physics gives; other processors round otherwise."""
        return 1e-3

    @property
    def source(self) -> Source:
        """`files` where the samples come from somebody's original files."""
        return "files" if getattr(self.options, "path", None) else self.spec.source

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of the samples' identity, their number, and what is done to them on reading."""
        spoiled = self.options.model_dump(mode="json", include=set(ON_READING), exclude_defaults=True)
        return digest([self.identity, self.size, *([spoiled] if spoiled else [])])

    def split(self, scheme: str, name: str) -> Split:
        """Opens one split, memory-mapped.

        Raises:
            UnknownNameError: No such scheme or split.
            DataError: The dataset is not prepared, or its files are not as they should be; see `check`.
        """
        if scheme not in self.spec.schemes:
            raise UnknownNameError.among(f"split scheme of {self.spec.name}", scheme, self.spec.schemes)
        if name not in SPLITS:
            raise UnknownNameError.among("split", name, SPLITS)
        self.check()
        chosen = self.indices(scheme)[name]
        measurements, properties = self._open(chosen, self._noise(name))
        return Split(
            name=name,
            ids=tuple(f"{self.spec.name}-{i:06d}" for i in chosen),
            measurements=measurements,
            properties=properties,
        )

    def _open(self, chosen: Indices, transform: Transform | None = None) -> tuple[ShardedArray, ShardedArray]:
        shards, problem = self.arrays(), self.problem
        return (
            ShardedArray(shards.measurements, shards.counts, problem.measurement_shape, chosen, transform),
            ShardedArray(shards.properties, shards.counts, problem.property_shape, chosen),
        )

    def _noise(self, split: str) -> Noise | None:
        options, survey = self.options, self.problem.survey
        asked = options.snr is not None or options.missing_traces > 0
        spoil = asked and not (options.noisy == "test" and split != "test")
        # what is learnt from gets it, so that penalties are chosen with it; test stays as it was simulated
        mimic = options.simulator_noise > 0 and split != "test"
        if not (spoil or mimic):
            return None
        cycles = survey.wavelet.frequency * survey.dt if isinstance(survey, SeismicSurvey) else None
        return Noise(self.spec.name, options, cycles, spoil=spoil, mimic=mimic)
