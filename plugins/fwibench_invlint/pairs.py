"""U and Y of the samples of a split, for the regression."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

Batches = Iterator[tuple[Any, Any]]
KEPT = 2**30
"""Largest size of U and Y that is kept [bytes]; those of larger splits are computed anew for every pass."""


class Pairs:
    """Batches of U `(rows, N)` and Y `(rows, M)`.

    Args:
        compute: Computes them.
        entries: Number of entries of U and Y of all samples together.
    """

    def __init__(self, compute: Callable[[], Batches], entries: int) -> None:
        self._compute, self._small = compute, 8 * entries <= KEPT
        self._kept: list[tuple[Any, Any]] | None = None

    def __iter__(self) -> Batches:
        if self._kept is None and self._small:
            self._kept = list(self._compute())
        return self._compute() if self._kept is None else iter(self._kept)
