"""A family as a dataset: the original files where the user has them, the synthetic twin otherwise."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fwibench.datasets.dataset import Dataset, digest
from fwibench.datasets.files import FilesDataset, Pair, open_array
from fwibench.datasets.openfwi.families import FAMILIES, Family, OpenFWIOptions
from fwibench.datasets.openfwi.layered import layered_map
from fwibench.datasets.openfwi.problem import family_problem
from fwibench.datasets.openfwi.shards import Official, find_shards
from fwibench.datasets.openfwi.style import style_map
from fwibench.datasets.simulated import SimulatedDataset
from fwibench.datasets.spec import DatasetSpec, Profile
from fwibench.datasets.splits import Indices, random_split
from fwibench.errors import DataError, UsageError
from fwibench.problem import Problem
from fwibench.seeds import BASE_SEED, derive_seed

VAL_SHARE = 12
"""One sample of so many of the official train split is val."""
LIMITS = {"smoke": (20, 3, 3), "quick": (800, 100, 100)}
"""Samples of train, val and test; the profile `paper` takes all."""
RESIDUAL = 5e-2
"""Relative L2 beyond which a record is not its map's: the published one has 2.5e-3, one sample of delay makes 0.1."""


def open_family(spec: DatasetSpec, options: OpenFWIOptions, profile: Profile) -> Dataset:
    """Opens a family; see the module's head."""
    if options.path is not None:
        return Originals(spec, options, profile)
    if options.test is not None or options.protocol != "fwibench":
        given = "test" if options.test is not None else f"protocol={options.protocol}"
        raise UsageError(
            f"{spec.name} has {given} without path; it concerns the original files", f"{spec.name}[path=FOLDER,...]"
        )
    return Twin(spec, options, profile)


class Twin(SimulatedDataset):
    """Maps of our own making in the manner of a family, with OpenFWI's survey."""

    shard_rows = 50

    @property
    def family(self) -> Family:
        """The family's row of the table."""
        return FAMILIES[self.spec.name]

    @cached_property
    def problem(self) -> Problem:
        """See `family_problem`."""
        return family_problem(self.family)

    @property
    def _sizes(self) -> tuple[int, int, int]:
        train, test = self.family.official
        return LIMITS.get(self.profile, (train - train // VAL_SHARE, train // VAL_SHARE, test))

    @property
    def size(self) -> int:
        """Samples of this profile."""
        return sum(self._sizes)

    def indices(self, scheme: str) -> dict[str, Indices]:
        """`random`: the maps are independent of each other."""
        _, n_val, n_test = self._sizes
        return random_split(self.size, n_val, n_test, self.spec.name)

    def maps(self, numbers: range) -> Iterator[NDArray[np.float32]]:
        """One map for each number, from a random stream of its own."""
        family = self.family
        for i in numbers:
            rng = np.random.default_rng(derive_seed(self.spec.name, BASE_SEED, i))
            if family.structure == "style":
                velocity = style_map(rng, sharp=family.hard)
            elif family.structure == "fault":
                interfaces, faults = ((7, 12), (2, 3)) if family.hard else ((4, 7), (1, 2))
                velocity = layered_map(rng, curved=family.curved, ordered=True, interfaces=interfaces, faults=faults)
            else:
                velocity = layered_map(
                    rng, curved=family.curved, ordered=not family.hard, interfaces=(3, 7), faults=(0, 0)
                )
            yield velocity[None].astype(np.float32)


class Originals(FilesDataset):
    """OpenFWI's own files, with its official split.

    The official test shards give test. OpenFWI chooses its best model on them; here val is carved from the
    official train split, so nothing is chosen on test.
    """

    options: OpenFWIOptions

    @property
    def problem(self) -> Problem:
        """See `family_problem`."""
        return family_problem(FAMILIES[self.spec.name])

    @cached_property
    def _official(self) -> Official:
        options = self.options
        if options.path is None:
            raise DataError(f"{self.spec.name} has no path to its original files")
        return find_shards(self.spec.name, FAMILIES[self.spec.name], options.path, options.test)

    def pairs(self) -> Sequence[Pair]:
        """Official train shards, then official test shards."""
        return (*self._official.train, *self._official.test)

    @cached_property
    def identity(self) -> str:
        """See `FilesDataset.identity`; the protocol and the border between train and test are part of it."""
        return digest([super().identity, self.options.protocol, len(self._official.train)])

    @property
    def size(self) -> int:
        """Samples of this profile and protocol."""
        return sum(map(len, self._parts.values()))

    def indices(self, scheme: str) -> dict[str, Indices]:
        """`random`: which samples of the official train split are val is drawn by lot."""
        return self._parts

    @cached_property
    def _parts(self) -> dict[str, Indices]:
        counts = self.arrays().counts
        n = sum(counts[: len(self._official.train)])
        n_test = sum(counts) - n
        if n < 2:
            raise DataError(f"{self.spec.name} has {n} sample to train on, expected 2 or more")
        everything = (n, n, n_test)
        wanted = everything if self.options.protocol == "openfwi" else LIMITS.get(self.profile, everything)
        n_val = min(wanted[1], max(n // VAL_SHARE, 1))
        lot = np.random.default_rng(derive_seed("split", self.spec.name, n)).permutation(n)
        test = np.random.default_rng(derive_seed("test", self.spec.name, n_test)).permutation(n_test)[: wanted[2]]
        val, train = lot[:n_val], lot[n_val : n_val + wanted[0]]
        return {"train": np.sort(train), "val": np.sort(val), "test": n + np.sort(test)}

    def verify(self) -> list[str]:
        """Reads every file, then simulates the first sample of every shard again."""
        return super().verify() or list(self._strangers())

    def _strangers(self) -> Iterator[str]:
        from fwibench.physics.parallel import simulate_each

        pairs, problem = self.pairs(), self.problem
        bounds = problem.property.low, problem.property.high
        maps = [np.clip(open_array(p.properties)[0], *bounds).reshape(problem.property_shape) for p in pairs]
        simulations = simulate_each([velocity.astype(np.float32) for velocity in maps], problem)
        for pair, simulated in zip(pairs, simulations, strict=True):
            stored = open_array(pair.measurements)[0, :, :-1]
            residual = float(np.linalg.norm(simulated[:, :-1] - stored)) / max(float(np.linalg.norm(stored)), 1e-30)
            if not residual < RESIDUAL:
                yield f"{pair.measurements}: sample 0 differs from what its map gives by {residual:.1e} in relative L2"
