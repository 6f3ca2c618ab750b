"""Datasets whose measurements are simulated from their maps."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from fwibench.datasets.store import Sample
from fwibench.datasets.stored import StoredDataset


class SimulatedDataset(StoredDataset):
    """Maps, and measurements that the problem's physics makes from them; an author gives `maps`."""

    @abstractmethod
    def maps(self, numbers: range) -> Iterable[NDArray[np.float32]]:
        """Property maps `(1, Z, X)` of the sample numbers, in order."""

    def samples(self, numbers: range) -> Iterator[Sample]:
        """Maps and their simulated measurements."""
        from fwibench.physics.parallel import simulate_each

        maps = list(self.maps(numbers))
        yield from zip(simulate_each(maps, self.problem), maps, strict=True)

    def verify(self) -> list[str]:
        """As for every store; and the first map of every shard is made again and must be the same."""
        faults = super().verify()
        if faults:
            return faults
        for number, path in enumerate(self.arrays().properties):
            first = number * self.shard_rows
            made = next(iter(self.maps(range(first, first + 1))))
            if not np.allclose(np.load(path, mmap_mode="r")[0], made, rtol=1e-5):
                faults.append(f"map {first} differs from a new one")
        return faults
