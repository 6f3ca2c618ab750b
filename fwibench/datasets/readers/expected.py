"""Maps that a reader expects in a file: sizes, order of axes, bounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from fwibench.errors import DataError
from fwibench.problem import Property

Shape = tuple[int, ...]


@dataclass(frozen=True)
class ExpectedMaps:
    """Maps that are expected.

    Attributes:
        shapes: Sizes `(Z, X)` that are accepted; empty for any.
        axes: Order of the axes in the files: `zx` has depth first, `xz` is transposed on reading.
        bounds: Property whose bounds the values must lie in; None to accept any finite value.
    """

    shapes: tuple[tuple[int, int], ...] = ()
    axes: Literal["zx", "xz"] = "zx"
    bounds: Property | None = None

    @property
    def stored(self) -> tuple[Shape, ...]:
        """Sizes in the order of the axes in the files."""
        return self.shapes if self.axes == "zx" else tuple(shape[::-1] for shape in self.shapes)

    def fits(self, shape: Shape) -> bool:
        """Return whether an array of that shape holds maps: `(Z, X)`, `(n, Z, X)` or `(n, 1, Z, X)`."""
        layout = len(shape) in (2, 3) or (len(shape) == 4 and shape[1] == 1)
        return layout and (shape[-2:] in self.stored if self.shapes else min(shape[-2:]) > 1)

    def count(self, path: Path, shape: Shape) -> int:
        """Return the number of maps in an array of that shape.

        Raises:
            DataError: It holds none; the message has the expected sizes, and whether the axes are swapped.
        """
        if self.fits(shape):
            return 1 if len(shape) == 2 else shape[0]
        expected = " or ".join(map(str, self.stored)) or "(Z, X)"
        first = "depth" if self.axes == "zx" else "x"
        if shape[-2:][::-1] in self.stored:
            raise DataError(
                f"{path}: {shape[-2:]} found, expected {expected}: the first axis is {first}",
                f"transpose the maps, or give axes={'xz' if self.axes == 'zx' else 'zx'}",
            )
        raise DataError(
            f"{path}: shape {shape} found, expected maps of {expected}",
            f"the axes are ([samples,] {'depth, x' if self.axes == 'zx' else 'x, depth'}); cut or resample the maps",
        )

    def choose(self, path: Path, arrays: Mapping[str, Shape]) -> str:
        """Return the name of the array of maps among those of a file.

        Raises:
            DataError: No array fits, or several do; the message lists all arrays.
        """
        listed = ", ".join(f"{name} {shape}" for name, shape in arrays.items()) or "nothing"
        fitting = [name for name, shape in arrays.items() if self.fits(shape)]
        if len(fitting) == 1:
            return fitting[0]
        if len(arrays) == 1:
            return next(iter(arrays))  # the check of its shape has a better message
        expected = " or ".join(map(str, self.stored)) or "(Z, X)"
        raise DataError(
            f"{path} holds {listed}; expected one array of maps of {expected}, found {len(fitting)}",
            "save only the maps in the file",
        )


def check_numbers(path: Path, dtype: np.dtype[Any]) -> None:
    """Raise `DataError` unless an array holds real numbers."""
    if dtype.kind not in "iuf":
        raise DataError(
            f"{path}: values of type {dtype} found, expected real numbers",
            "save real and imaginary parts separately" if dtype.kind == "c" else "save them as float32",
        )
