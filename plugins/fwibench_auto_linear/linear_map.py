"""The linear map between two latents, by ridge regression of full or reduced rank."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal

import torch
from torch import Tensor, nn

from fwibench.methods.ridge import Ridge, choose_alpha, concatenate, fit_ridge

Pairs = Iterable[tuple[Tensor, Tensor]]
"""Batches of inputs `(rows, inputs)` and outputs `(rows, outputs)` of the map, in float64."""


class LinearMap(nn.Module):
    """`y = W x + b`, where W is a product of two narrow matrices if its rank is limited; zero until it is solved for.

    Args:
        inputs: Number of entries of x.
        outputs: Number of entries of y.
        rank: Largest rank; None: no limit.

    Attributes:
        down: W, or the second factor `(rank, inputs)`.
        up: The first factor `(outputs, rank)`; None without a limit.
        offset: b.
        mean: Mean of y over the train split.
    """

    down: Tensor
    up: Tensor
    offset: Tensor
    mean: Tensor

    def __init__(self, inputs: int, outputs: int, rank: int | None) -> None:
        super().__init__()
        self.rank = None if rank is None or rank >= min(inputs, outputs) else rank
        self.register_buffer("down", torch.zeros(self.rank or outputs, inputs))
        self.register_buffer("up", torch.zeros(outputs, self.rank) if self.rank else None)
        self.register_buffer("offset", torch.zeros(outputs))
        self.register_buffer("mean", torch.zeros(outputs))

    @property
    def entries(self) -> int:
        """Number of entries of the matrices and the offset."""
        return sum(buffer.numel() for buffer in self.buffers()) - self.mean.numel()

    def forward(self, x: Tensor) -> Tensor:
        """Return y `(n, outputs)` for x `(n, inputs)`."""
        if self.rank is None:
            return nn.functional.linear(x, self.down, self.offset)
        return nn.functional.linear(nn.functional.linear(x, self.down), self.up, self.offset)

    def solve(self, train: Pairs, n: int, val: Pairs, alpha: float | Literal["val"]) -> float:
        """Solve for the map that has the smallest penalised squared error on `train`; return the penalty.

        With a limited rank the full solution is projected to the outputs' directions that it explains best, which is
        the solution of that rank (Mukherjee and Zhu, Reduced rank ridge regression, 2011).

        Args:
            train: Training pairs.
            n: Number of training pairs.
            val: Held-out pairs, which choose the penalty of the full solution.
            alpha: Penalty, or `val` to choose it.
        """
        ridge = fit_ridge(train, n)
        if alpha == "val":
            alpha = choose_alpha(ridge, *(concatenate(parts) for parts in zip(*val, strict=True)))
        weights = ridge.weights(alpha)
        if self.rank is not None:
            directions = _explained(ridge, alpha)[:, : self.rank]
            self.up.copy_(directions)
            self.down.copy_((weights @ directions).T)
            weights = weights @ directions @ directions.T
        else:
            self.down.copy_(weights.T)
        self.offset.copy_(ridge.mean_y - ridge.mean_u @ weights)
        self.mean.copy_(ridge.mean_y)
        return float(alpha)


def reverse(pairs: Pairs) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield batches of outputs and inputs."""
    return ((y, x) for x, y in pairs)


def _explained(ridge: Ridge[Tensor], alpha: float) -> Tensor:
    """Return the directions of y `(outputs, outputs)`, in descending order of the penalised variance explained.

    They are the eigenvectors of `W' X' Y`.
    """
    solution = ridge.solve(alpha)
    explained = solution.T @ (ridge.right if ridge.rows is None else ridge.gram @ ridge.right)
    return torch.linalg.eigh((explained + explained.T) / 2).eigenvectors.flip(1)
