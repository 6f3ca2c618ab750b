"""What a reader is to find in a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fwibench.datasets.value_checks import check_map
from fwibench.errors import DataError
from fwibench.problem import Property

Shape = tuple[int, ...]


@dataclass(frozen=True)
class Wanted:
    """What maps are expected.

    Attributes:
        shapes: Sizes `(Z, X)` that are accepted; empty for any.
        axes: Order of the axes in the files: `zx` has depth first, `xz` is turned on reading.
        bounds: The property, whose bounds no value may leave; None to take any finite value.
    """

    shapes: tuple[tuple[int, int], ...] = ()
    axes: Literal["zx", "xz"] = "zx"
    bounds: Property | None = None

    @property
    def stored(self) -> tuple[Shape, ...]:
        """Sizes as they lie in the files."""
        return self.shapes if self.axes == "zx" else tuple(shape[::-1] for shape in self.shapes)

    def fits(self, shape: Shape) -> bool:
        """Whether an array of that shape holds maps: `(Z, X)`, `(n, Z, X)` or `(n, 1, Z, X)`."""
        layout = len(shape) in (2, 3) or (len(shape) == 4 and shape[1] == 1)
        return layout and (shape[-2:] in self.stored if self.shapes else min(shape[-2:]) > 1)

    def count(self, path: Path, shape: Shape) -> int:
        """Maps in an array of that shape.

        Raises:
            DataError: It holds none; says what was expected, and whether the axes are swapped.
        """
        if self.fits(shape):
            return 1 if len(shape) == 2 else shape[0]
        expected = " or ".join(map(str, self.stored)) or "(Z, X)"
        first = "depth" if self.axes == "zx" else "x"
        if shape[-2:][::-1] in self.stored:
            raise DataError(
                f"{path}: {shape[-2:]} found, expected {expected}: the first axis is {first}",
                f"transpose the maps, or say axes={'xz' if self.axes == 'zx' else 'zx'}",
            )
        raise DataError(
            f"{path}: shape {shape} found, expected maps of {expected}",
            f"the axes are ([samples,] {'depth, x' if self.axes == 'zx' else 'x, depth'}); cut or resample the maps",
        )

    def choose(self, path: Path, arrays: Mapping[str, Shape]) -> str:
        """Name of the array to read among those that a file holds.

        Raises:
            DataError: It is not plain which array is meant; lists what there is.
        """
        listed = ", ".join(f"{name} {shape}" for name, shape in arrays.items()) or "nothing"
        fitting = [name for name, shape in arrays.items() if self.fits(shape)]
        if len(fitting) == 1:
            return fitting[0]
        if len(arrays) == 1:
            return next(iter(arrays))  # its shape is refused with a better message
        expected = " or ".join(map(str, self.stored)) or "(Z, X)"
        raise DataError(
            f"{path} holds {listed}; expected one array of maps of {expected}, found {len(fitting)}",
            "keep the maps alone in the file",
        )

    def check_values(self, values: NDArray[Any], where: str) -> None:
        """Raises `DataError` for values that are not finite, or outside of the bounds."""
        check_map(values, where, self.bounds)


def check_numbers(path: Path, dtype: np.dtype[Any]) -> None:
    """Raises `DataError` unless an array holds real numbers."""
    if dtype.kind not in "iuf":
        raise DataError(
            f"{path}: values of type {dtype} found, expected real numbers",
            "save real and imaginary parts apart" if dtype.kind == "c" else "save them as float32",
        )
