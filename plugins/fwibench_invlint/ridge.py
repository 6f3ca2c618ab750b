"""Ridge regression in float64 that reads the samples once.

Invariant: memory is bounded by the square of the number of features, for any number of samples.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import torch

from fwibench.typing import Array64

Pair = tuple[Array64, Array64]
"""Batch of features U `(rows, features)` and targets Y `(rows, targets)`."""
ALPHAS = tuple(10.0**k for k in range(-8, 6))
"""Penalties that `choose_alpha` compares."""


@dataclass(frozen=True)
class Ridge:
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

    mean_u: Array64
    mean_y: Array64
    scale: Array64
    gram: Array64
    right: Array64
    rows: Array64 | None

    def solve(self, alpha: float) -> Array64:
        """Return the solution of the system `(k, targets)`.

        Eigenvalues replace the Cholesky decomposition where the penalty is so small that rounding makes the matrix
        indefinite. PyTorch's Cholesky decomposition takes about two thirds of the time of SciPy's on a CPU.
        """
        penalised = torch.from_numpy(self.gram.copy())
        penalised.diagonal().add_(alpha)
        factor, failed = torch.linalg.cholesky_ex(penalised)
        if not failed:
            return torch.cholesky_solve(torch.from_numpy(self.right), factor).numpy()
        values, vectors = np.linalg.eigh(self.gram)
        return vectors @ ((vectors.T @ self.right) / (values.clip(0)[:, None] + alpha))

    def weights(self, alpha: float) -> Array64:
        """Return `W` for unscaled U, `(features, targets)`."""
        solution = self.solve(alpha)
        if self.rows is not None:
            solution = self.rows.T @ solution
        return solution / self.scale[:, None]

    def coordinates(self, u: Array64) -> Array64:
        """Return coordinates `(n, k)` of U `(n, features)`; their product with `solve` is Y minus its mean."""
        centred = (u - self.mean_u) / self.scale
        return centred if self.rows is None else centred @ self.rows.T


def fit_ridge(batches: Iterable[Pair], n: int, *, standardise: bool = False) -> Ridge:
    """Accumulate the normal equations of batches.

    Args:
        batches: Batches of U and Y with `n` rows in all.
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


def _dual(batches: Iterable[Pair], standardise: bool) -> Ridge:
    """Return the dual system, which holds the samples."""
    u, y = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    mean_u, mean_y = u.mean(0), y.mean(0)
    u -= mean_u
    y -= mean_y
    scale = np.ones_like(mean_u)
    if standardise:
        scale = _deviation(np.square(u).mean(0))
        u /= scale
    return Ridge(mean_u, mean_y, scale, u @ u.T, y, u)


def _primal(batches: Iterable[Pair], origin: Pair, n: int, standardise: bool) -> Ridge:
    """Return the primal system; products are summed about `origin`, close to the mean, to avoid cancellation."""
    sum_u, sum_y = (np.zeros_like(mean) for mean in origin)
    gram, cross = np.zeros((len(sum_u), len(sum_u))), np.zeros((len(sum_u), len(sum_y)))
    for u, y in batches:
        u, y = u - origin[0], y - origin[1]
        sum_u += u.sum(0)
        sum_y += y.sum(0)
        gram += u.T @ u
        cross += u.T @ y
    shift_u, shift_y = sum_u / n, sum_y / n
    gram -= n * np.outer(shift_u, shift_u)
    cross -= n * np.outer(shift_u, shift_y)
    scale = np.ones_like(shift_u)
    if standardise:
        scale = _deviation(np.diag(gram) / n)
        gram /= np.outer(scale, scale)
        cross /= scale[:, None]
    return Ridge(origin[0] + shift_u, origin[1] + shift_y, scale, gram, cross, None)


def _deviation(variance: Array64) -> Array64:
    """Return standard deviations; 1 for a constant feature."""
    deviation = np.sqrt(variance.clip(0))
    return np.where(deviation > 1e-12 * deviation.max(), deviation, 1.0)


def choose_alpha(ridge: Ridge, u: Array64, y: Array64, alphas: Sequence[float] = ALPHAS) -> float:
    """Return the penalty with the smallest squared error on held-out samples.

    Args:
        ridge: The regression.
        u: Features of the held-out samples `(n, features)`.
        y: Targets of the held-out samples `(n, targets)`.
        alphas: Penalties to compare.
    """
    coordinates, deviation = ridge.coordinates(u), y - ridge.mean_y
    return min(alphas, key=lambda alpha: float(np.square(coordinates @ ridge.solve(alpha) - deviation).sum()))
