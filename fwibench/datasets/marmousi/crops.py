"""Overlapping crops of one large model, such as Marmousi, with train, val and test apart.

Invariant: crop `i` depends on the model, the size, the name and `i` only, and the columns of the model that
train, val and test see are disjoint. Of every ten numbers the last is a test crop and the one before a val crop.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fwibench.datasets.readers import Maps
from fwibench.errors import DataError
from fwibench.problem import Property
from fwibench.seeds import BASE_SEED, derive_seed
from fwibench.typing import Array32, Indices

SHARES = {"train": (0.0, 0.7), "val": (0.7, 0.85), "test": (0.85, 1.0)}
"""First and last column of each split, as shares of the width of the model."""
WATER = 1510.0
"""Highest velocity of water [m/s], above the sea floor."""


def split_of(number: int) -> str:
    """Return the split of a sample number."""
    return {8: "val", 9: "test"}.get(number % 10, "train")


def crop_indices(n: int) -> dict[str, Indices]:
    """Return the sample numbers of each split among the first `n`."""
    splits = np.array([split_of(i) for i in range(n)])
    return {name: np.flatnonzero(splits == name) for name in SHARES}


class Crops:
    """Crops of a model, below the water, clipped to the property's bounds.

    Args:
        model: Model `(Z, X)` with the spacing of the crops, depth first.
        shape: Size `(Z, X)` of a crop.
        bounds: Property with bounds; the few nodes outside (gas, salt) are clipped.
        count: Number of crops.
        name: Name of the dataset, which seeds the positions of the crops.
        source: Maps of the file that holds the model, for its path and its doubts.

    Raises:
        DataError: The model is too small, or mostly outside the bounds.
    """

    def __init__(
        self,
        model: Array32,
        shape: tuple[int, int],
        bounds: Property,
        count: int,
        name: str,
        source: Maps | None = None,
    ) -> None:
        self.files: tuple[Path, ...] = source.files if source else ()
        clipped = float(np.mean((model < bounds.low) | (model > bounds.high)))
        self.doubts: tuple[str, ...] = source.doubts if source else ()
        if clipped:
            self.doubts += (
                f"{clipped:.2g} of the model lies outside {bounds.low:g} to {bounds.high:g} {bounds.unit} and is "
                "clipped",
            )
        self._model, self._shape, self._count, self._name = model, shape, count, name
        self._low, self._high = bounds.low, bounds.high
        middle = float(np.median(model))
        if not bounds.low <= middle <= bounds.high:
            raise DataError(
                f"the model's median {bounds.name} is {middle:g}, "
                f"expected {bounds.low:g} to {bounds.high:g} {bounds.unit}",
                "multiply by 1000 if it is in km/s",
            )
        water = np.cumprod(model <= WATER, axis=0).sum(axis=0)
        self._top = int(water.max())
        depth, width = model.shape
        narrowest = min(self._range(split)[1] - self._range(split)[0] for split in SHARES)
        if depth - self._top < shape[0] or narrowest < shape[1]:
            raise DataError(
                f"the model has {depth} x {width} nodes, {self._top} of them down to the sea floor, and its narrowest "
                f"split {narrowest} columns; expected room for crops of {shape[0]} x {shape[1]}",
                "use a larger model; the first axis is depth",
            )

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int, /) -> Array32:
        """Crop `(1, Z, X)`."""
        if not 0 <= index < self._count:
            raise IndexError(index)
        row, column = self.corner(index)
        crop = self._model[row : row + self._shape[0], column : column + self._shape[1]]
        return np.clip(crop, self._low, self._high).astype(np.float32)[None]

    def corner(self, index: int) -> tuple[int, int]:
        """Return row and column of the upper left node of a crop, drawn uniformly from the columns of its split."""
        rng = np.random.default_rng(derive_seed("crop", self._name, BASE_SEED, index))
        first, end = self._range(split_of(index))
        row = rng.integers(self._top, self._model.shape[0] - self._shape[0], endpoint=True)
        return int(row), int(rng.integers(first, end - self._shape[1], endpoint=True))

    def _range(self, split: str) -> tuple[int, int]:
        """First column of a split, and the one after its last."""
        first, end = (round(share * self._model.shape[1]) for share in SHARES[split])
        return first, end
