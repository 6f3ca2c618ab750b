"""A family as a dataset: its original files, or the synthetic twin.

OpenFWI's operator has its wavelet's peak at sample 73 and records after the source was added; deepwave records
before. So the same trace needs a peak one sample earlier, 72 ms, and then no factor: against a published record
the best scale is 0.9994. deepwave halves a 1 ms step at its usual Courant number; 0.67 keeps the step of OpenFWI
and with it the dispersion in time. The wavelet's tails beyond OpenFWI's 147 samples are below 2e-4 of the peak.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np

from fwibench.datasets.base import Dataset, Shards, digest
from fwibench.datasets.files import FilesDataset
from fwibench.datasets.openfwi.faulted import flat_fault_map
from fwibench.datasets.openfwi.layered import layered_map
from fwibench.datasets.openfwi.shards import OfficialShards, find_shards, read_headers
from fwibench.datasets.openfwi.spec import FAMILIES, ORIGINAL_CAVEATS, Family, OpenFWIOptions
from fwibench.datasets.openfwi.style import style_map
from fwibench.datasets.simulated import SimulatedDataset
from fwibench.errors import DataError, UsageError
from fwibench.problem import AcousticPhysics, Amplitude, Grid, Point, Problem, Property, Ricker, SeismicSurvey
from fwibench.seeds import BASE_SEED, derive_seed
from fwibench.specs.dataset import DatasetSpec, Profile
from fwibench.typing import Array32, Indices

VAL_SHARE = 12
"""Val takes one of this many samples of the official train split."""
LIMITS = {"smoke": (20, 3, 3), "quick": (800, 100, 100)}
"""Number of samples in train, val and test; the profile `paper` takes all."""

SURVEY = SeismicSurvey(
    # five positions on 690 m, each on its nearest node (half to even, as numpy rounds)
    sources=tuple(Point(x=10.0 * column, z=10.0) for column in (0, 17, 34, 52, 69)),
    receivers=tuple(Point(x=10.0 * column, z=10.0) for column in range(70)),
    nt=1000,
    dt=1e-3,
    wavelet=Ricker(frequency=15.0, delay=0.072),
)


def family_problem(family: Family) -> Problem:
    """Return the problem of a family: its amplitudes, logarithm of measurements, both sides scaled to [-1, 1]."""
    return Problem(
        grid=Grid(nz=70, nx=70, spacing=10.0),
        survey=SURVEY,
        physics=AcousticPhysics(accuracy=4, pml_width=10, pml_freq=15.0, max_velocity=4500.0, courant_number=0.67),
        property=Property(name="velocity", unit="m/s", low=1500.0, high=4500.0),
        amplitude=Amplitude(low=family.low, high=family.high, log=True),
    )


def open_family(spec: DatasetSpec, options: OpenFWIOptions, profile: Profile) -> Dataset:
    """Open a family.

    Args:
        spec: Spec of the family.
        options: Options; with `path` the original files are opened, else the synthetic twin.
        profile: Profile, which decides the number of samples.

    Raises:
        UsageError: Options of original files are given without `path`.
    """
    if options.path is not None:
        # a version that concerns the twin's maps does not change what is read from files
        return Originals(spec.model_copy(update={"version": "1"}), options, profile)
    if options.test is not None or options.protocol != "fwibench":
        given = "test" if options.test is not None else f"protocol={options.protocol}"
        raise UsageError(
            f"{spec.name} has {given} without path, which concerns original files only", f"{spec.name}[path=FOLDER,...]"
        )
    return Twin(spec, options, profile)


class Twin(SimulatedDataset):
    """Synthetic maps in the style of a family, with the survey of OpenFWI."""

    shard_rows = 50

    @property
    def family(self) -> Family:
        """Entry of the family in the table."""
        return FAMILIES[self.spec.name]

    @cached_property
    def problem(self) -> Problem:
        """Problem of the family, see `family_problem`."""
        return family_problem(self.family)

    def counts(self) -> tuple[int, int, int]:
        """Return the sizes of OpenFWI in profile `paper`, with val taken from its train split."""
        train, test = self.family.official
        complete = train - train // VAL_SHARE, train // VAL_SHARE, test
        sizes = LIMITS.get(self.profile, complete)
        return sum(sizes), sizes[1], sizes[2]

    def maps(self, numbers: range) -> Iterator[Array32]:
        """Return a map for each number, from a random stream of its own."""
        family = self.family
        for i in numbers:
            rng = np.random.default_rng(derive_seed(self.spec.name, BASE_SEED, i))
            if family.structure == "style":
                velocity = style_map(rng, sharp=family.hard)
            elif family.structure == "fault" and not family.curved:
                layers, faults = ((5, 7), (2, 2)) if family.hard else ((4, 4), (1, 1))
                velocity = flat_fault_map(rng, layers=layers, faults=faults)
            elif family.structure == "fault":
                interfaces, faults = ((7, 12), (2, 3)) if family.hard else ((4, 7), (1, 2))
                velocity = layered_map(rng, curved=True, ordered=True, interfaces=interfaces, faults=faults)
            else:
                velocity = layered_map(
                    rng, curved=family.curved, ordered=not family.hard, interfaces=(3, 7), faults=(0, 0)
                )
            yield velocity[None].astype(np.float32)


class Originals(FilesDataset):
    """Original files of OpenFWI, with its official split.

    The official test shards are test. OpenFWI selects its best model on them; here val is taken from the official train
    split, so nothing is selected on test.
    """

    options: OpenFWIOptions

    @property
    def problem(self) -> Problem:
        """Problem of the family, see `family_problem`."""
        return family_problem(FAMILIES[self.spec.name])

    @cached_property
    def _official(self) -> OfficialShards:
        options = self.options
        if options.path is None:
            raise DataError(f"{self.spec.name} has no path to its original files")
        return find_shards(self.spec.name, FAMILIES[self.spec.name], options.path, options.test)

    @cached_property
    def _shards(self) -> Shards:
        return read_headers((*self._official.train, *self._official.test), self.problem)

    def arrays(self) -> Shards:
        """Return official train shards, then official test shards; see `read_headers` for errors."""
        return self._shards

    @cached_property
    def identity(self) -> str:
        """See `Dataset.identity`; it includes the protocol and the number of train shards."""
        return digest([super().identity, self.options.protocol, len(self._official.train)])

    @property
    def summary(self) -> str:
        """Number of samples and of shards."""
        train, test = (len(pairs) for pairs in self._official)
        return (
            f"{self.size} original samples of OpenFWI's {self.spec.name}, from {train} train and {test} test shards; "
            "70 x 70 at 10 m, 5 shots of 15 Hz"
        )

    @property
    def licence(self) -> str:
        """Licence of OpenFWI."""
        return "CC BY-NC-SA 4.0"

    @property
    def caveats(self) -> tuple[str, ...]:
        """Limits of results on the published files."""
        return ORIGINAL_CAVEATS

    @property
    def size(self) -> int:
        """Number of samples of this profile and protocol."""
        return sum(map(len, self._parts.values()))

    def indices(self, scheme: str) -> dict[str, Indices]:
        """Return the official split; val is a random part of the official train split."""
        return self._parts

    @cached_property
    def _parts(self) -> dict[str, Indices]:
        counts = self.arrays().counts
        n = sum(counts[: len(self._official.train)])
        n_test = sum(counts) - n
        if n < 2:
            raise DataError(f"{self.spec.name} has {n} sample to train on, expected 2 or more")
        everything = (n, n, n_test)
        sizes = everything if self.options.protocol == "openfwi" else LIMITS.get(self.profile, everything)
        n_val = min(sizes[1], max(n // VAL_SHARE, 1))
        order = np.random.default_rng(derive_seed("split", self.spec.name, n)).permutation(n)
        test = np.random.default_rng(derive_seed("test", self.spec.name, n_test)).permutation(n_test)[: sizes[2]]
        val, train = order[:n_val], order[n_val : n_val + sizes[0]]
        return {"train": np.sort(train), "val": np.sort(val), "test": n + np.sort(test)}
