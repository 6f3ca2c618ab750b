"""Ridge regression in float64 that reads the samples once, with arrays of numpy or tensors on any device.

Invariant: memory is bounded by the square of the number of features, for any number of samples. Everything is computed
where the batches lie.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Generic, TypeVar

import numpy as np
import torch
from torch import Tensor

from fwibench.typing import Array64

T = TypeVar("T", Array64, Tensor)
"""Type of the batches: arrays of numpy, which use its BLAS, or tensors of float64."""
ALPHAS = tuple(10.0**k for k in range(-8, 6))
"""Penalties that `choose_alpha` compares."""


@dataclass(frozen=True)
class Ridge(Generic[T]):
    """The centred normal equations of a regression, which can be solved for any penalty.

    `Y = mean_y + (U - mean_u) W`, where `W` minimises `|Y - Y_hat|**2 + alpha |W|**2` for U scaled by `scale`. With
    fewer samples than features the system is the dual one, otherwise the primal one.

    Attributes:
        mean_u: Mean of U `(features,)`.
        mean_y: Mean of Y `(targets,)`.
        scale: Divisor of each feature `(features,)`.
        gram: Matrix of the system `(k, k)`, where k is the number of samples (dual) or features (primal).
        right: Right-hand side of the system `(k, targets)`.
        rows: Centred and scaled samples `(samples, features)` of the dual system; None for the primal one.
    """

    mean_u: T
    mean_y: T
    scale: T
    gram: T
    right: T
    rows: T | None

    def solve(self, alpha: float) -> T:
        """Return the solution of the system `(k, targets)`.

        Eigenvalues replace the Cholesky decomposition where the penalty is so small that rounding makes the matrix
        indefinite. PyTorch's Cholesky decomposition takes about two thirds of the time of SciPy's on a CPU.
        """
        penalised = torch.as_tensor(self.gram).clone()
        penalised.diagonal().add_(alpha)
        factor, failed = torch.linalg.cholesky_ex(penalised)
        if not failed:
            solution = torch.cholesky_solve(torch.as_tensor(self.right), factor)
            return solution if isinstance(self.right, Tensor) else solution.numpy()
        values, vectors = (torch if isinstance(self.gram, Tensor) else np).linalg.eigh(self.gram)
        return vectors @ ((vectors.T @ self.right) / (values.clip(0)[:, None] + alpha))

    def weights(self, alpha: float) -> T:
        """Return `W` for unscaled U, `(features, targets)`."""
        solution = self.solve(alpha)
        if self.rows is not None:
            solution = self.rows.T @ solution
        return solution / self.scale[:, None]

    def coordinates(self, u: T) -> T:
        """Return coordinates `(n, k)` of U `(n, features)`; their product with `solve` is Y minus its mean."""
        centred = (u - self.mean_u) / self.scale
        return centred if self.rows is None else centred @ self.rows.T


def fit_ridge(batches: Iterable[tuple[T, T]], n: int, *, standardise: bool = False) -> Ridge[T]:
    """Accumulate the normal equations of batches.

    Args:
        batches: Batches of features U `(rows, features)` and targets Y `(rows, targets)` with `n` rows in all.
        n: Number of samples, which decides between the dual and the primal system.
        standardise: Whether every feature is scaled to unit variance before it is penalised.

    Raises:
        ValueError: There are no batches.
    """
    stream = iter(batches)
    first = next(stream, None)
    if first is None:
        raise ValueError("a regression needs at least one sample")
    every = chain([first], stream)
    if n < first[0].shape[1]:
        return _dual(every, standardise)
    return _primal(every, (first[0].mean(0), first[1].mean(0)), n, standardise)


def _dual(batches: Iterable[tuple[T, T]], standardise: bool) -> Ridge[T]:
    """Return the dual system, which holds the samples."""
    u, y = (concatenate(parts) for parts in zip(*batches, strict=True))
    mean_u, mean_y = u.mean(0), y.mean(0)
    u -= mean_u
    y -= mean_y
    scale = _ones(mean_u)
    if standardise:
        scale = _deviation((u * u).mean(0))
        u /= scale
    return Ridge(mean_u, mean_y, scale, u @ u.T, y, u)


def _primal(batches: Iterable[tuple[T, T]], origin: tuple[T, T], n: int, standardise: bool) -> Ridge[T]:
    """Return the primal system; products are summed about `origin`, close to the mean, to avoid cancellation."""
    sum_u, sum_y = (0.0 * mean for mean in origin)
    gram, cross = sum_u[:, None] * sum_u, sum_u[:, None] * sum_y
    for u, y in batches:
        u, y = u - origin[0], y - origin[1]
        sum_u += u.sum(0)
        sum_y += y.sum(0)
        gram += u.T @ u
        cross += u.T @ y
    shift_u, shift_y = sum_u / n, sum_y / n
    gram -= n * (shift_u[:, None] * shift_u)
    cross -= n * (shift_u[:, None] * shift_y)
    scale = _ones(shift_u)
    if standardise:
        scale = _deviation(gram.diagonal() / n)
        gram /= scale[:, None] * scale
        cross /= scale[:, None]
    return Ridge(origin[0] + shift_u, origin[1] + shift_y, scale, gram, cross, None)


def concatenate(parts: Sequence[T]) -> T:
    """Return the rows of all parts in one array."""
    return torch.cat(list(parts)) if isinstance(parts[0], Tensor) else np.concatenate(parts)


def _ones(like: T) -> T:
    return torch.ones_like(like) if isinstance(like, Tensor) else np.ones_like(like)


def _deviation(variance: T) -> T:
    """Return standard deviations; 1 for a constant feature."""
    deviation = variance.clip(0) ** 0.5
    deviation[deviation <= 1e-12 * deviation.max()] = 1.0
    return deviation


def choose_alpha(ridge: Ridge[T], u: T, y: T, alphas: Sequence[float] = ALPHAS) -> float:
    """Return the penalty with the smallest squared error on held-out samples.

    Args:
        ridge: The regression.
        u: Features of the held-out samples `(n, features)`.
        y: Targets of the held-out samples `(n, targets)`.
        alphas: Penalties to compare.
    """
    coordinates, deviation = ridge.coordinates(u), y - ridge.mean_y
    return min(alphas, key=lambda alpha: float(((coordinates @ ridge.solve(alpha) - deviation) ** 2).sum()))
