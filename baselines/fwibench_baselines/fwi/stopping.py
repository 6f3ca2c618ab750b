"""Stop rule of a band: the model that fits the held-out shots best is kept.

Invariant: samples of a batch do not influence each other.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


class LowestMisfit:
    """Keeps, of all models that it is offered, those with the lowest misfit.

    Args:
        misfit: Misfit `(n,)` of models `(n, 1, Z, X)`.
    """

    def __init__(self, misfit: Callable[[Tensor], Tensor]) -> None:
        self._misfit = misfit
        self._best: tuple[Tensor, Tensor] | None = None

    @torch.no_grad()
    def offer(self, models: Tensor) -> Tensor:
        """Compare models `(n, 1, Z, X)` with those kept, sample by sample.

        Returns:
            The models `(n, 1, Z, X)` with the lowest misfit so far; of equal ones the first.
        """
        misfits = self._misfit(models)
        if self._best is not None:
            kept, lowest = self._best
            better = misfits < lowest
            models = torch.where(better.view(-1, 1, 1, 1), models, kept)
            misfits = torch.where(better, misfits, lowest)
        self._best = models.detach().clone(), misfits
        return self._best[0]
