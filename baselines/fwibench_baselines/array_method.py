"""The base class of baselines whose state consists of numpy arrays."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fwibench.files.atomic import atomic_write, reading
from fwibench.files.npy import read_npz
from fwibench.methods.base import Method
from fwibench.typing import Array32


class ArrayMethod(Method):
    """A method whose state is `arrays`.

    Attributes:
        arrays: Arrays by name; None before `fit` or `load`.
    """

    arrays: dict[str, Array32] | None = None

    @property
    def fitted(self) -> dict[str, Array32]:
        """The arrays; raises `MethodError` before `fit` or `load`."""
        if self.arrays is None:
            raise self.not_fitted()
        return self.arrays

    def save(self, path: Path) -> None:
        """Write `arrays.npz`."""
        fitted = self.fitted
        with atomic_write(path / "arrays.npz") as stream:
            np.savez(stream, **fitted)  # type: ignore[arg-type]

    def load(self, path: Path) -> None:
        """Read `arrays.npz`."""
        with reading(path / "arrays.npz", "the state of the method", "run the cell again with --force"):
            self.arrays = read_npz(path / "arrays.npz")
