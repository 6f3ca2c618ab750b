"""Ratios of squared errors to squared references, summed over batches."""

from __future__ import annotations

import math
from collections import defaultdict

from torch import Tensor

NO_VARIANCE = 1e-12
"""Ratio of a squared reference to a squared magnitude below which it is rounding error, see `SquaredRatios.add`."""


class SquaredRatios:
    """Sums of squared errors and of squared references, by name."""

    def __init__(self) -> None:
        self._sums: defaultdict[str, list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])

    def add(self, name: str, error: Tensor, reference: Tensor, magnitude: Tensor | None = None) -> None:
        """Add a batch.

        Args:
            name: Name of the ratio.
            error: Errors, of any shape.
            reference: References.
            magnitude: Values whose rounding errors may be all of the reference; None: `reference`.
        """
        values = (error, reference, reference if magnitude is None else magnitude)
        sums = self._sums[name]
        for i, one in enumerate(values):
            sums[i] += float(one.double().square().sum())

    def explained(self, name: str) -> float:
        """Return one minus a ratio: the explained share of a variance; NaN without variance."""
        return 1 - self._ratio(name)

    def relative(self, name: str) -> float:
        """Return the root of a ratio: a relative error in the L2 norm; NaN if the reference is 0."""
        return math.sqrt(self._ratio(name))

    def _ratio(self, name: str) -> float:
        error, reference, magnitude = self._sums[name]
        return error / reference if reference > NO_VARIANCE * magnitude else math.nan
