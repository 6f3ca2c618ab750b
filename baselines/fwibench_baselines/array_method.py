"""The base class of baselines whose state consists of numpy arrays."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fwibench.files.atomic import atomic_write, reading
from fwibench.files.npy import read_npz
from fwibench.methods.base import Method
from fwibench.methods.complexity import Complexity
from fwibench.typing import Array32

if TYPE_CHECKING:
    from torch import Tensor


class ArrayMethod(Method):
    """A method whose state is `arrays`.

    Attributes:
        arrays: Arrays by name; None before `fit` or `load`.
    """

    arrays: dict[str, Array32] | None = None
    _copies: tuple[dict[str, Array32], dict[str, Tensor]] | None = None

    @property
    def uses_torch(self) -> bool:
        """Whether the method computes with torch: on a GPU. On a CPU numpy is as fast and needs no import of torch."""
        return self.context.device != "cpu"

    @property
    def fitted(self) -> dict[str, Array32]:
        """The arrays; raises `MethodError` before `fit` or `load`."""
        if self.arrays is None:
            raise self.not_fitted()
        return self.arrays

    @property
    def tensors(self) -> dict[str, Tensor]:
        """The arrays on the method's device; copied once after `fit` or `load`."""
        import torch

        fitted = self.fitted
        if self._copies is None or self._copies[0] is not fitted:
            self._copies = fitted, {name: torch.from_numpy(one).to(self.context.device) for name, one in fitted.items()}
        return self._copies[1]

    def closed_form(self, macs: int, flops: int) -> Complexity:
        """Return the operations of a prediction, and the entries of all arrays as closed-form parameters.

        Args:
            macs: Multiply-adds of a prediction.
            flops: Floating-point operations of a prediction.
        """
        stored = sum(array.size for array in self.fitted.values())
        return Complexity(parameters=0, parameters_closed_form=stored, macs=macs, flops=flops, flops_kind="analytic")

    def save(self, path: Path) -> None:
        """Write `arrays.npz`."""
        fitted = self.fitted
        with atomic_write(path / "arrays.npz") as stream:
            np.savez(stream, **fitted)  # type: ignore[arg-type]

    def load(self, path: Path) -> None:
        """Read `arrays.npz`."""
        with reading(path / "arrays.npz", "the state of the method", "run the cell again with --force"):
            self.arrays = read_npz(path / "arrays.npz")
