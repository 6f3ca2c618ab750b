"""Ridge regression in float64 that reads its samples once.

Invariant: memory is bounded by the number of features squared, however many samples there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import torch

from fwibench.typing import Array64

Pair = tuple[Array64, Array64]
ALPHAS = tuple(10.0**k for k in range(-8, 6))


@dataclass(frozen=True)
class Ridge:
    """The centred normal equations of a regression, to be solved for any penalty.

    `Y = mean_y + (U - mean_u) W`, where `W` minimises `|Y - Y_hat|**2 + alpha |W|**2` with U scaled by
    `scale`. With fewer samples than features the system is the dual, otherwise the primal.

    Attributes:
        gram: Matrix of the system, `(k, k)`, k being samples or features.
        right: Its right-hand side, `(k, targets)`.
        rows: Centred and scaled samples `(samples, features)` in the dual; None in the primal.
    """

    mean_u: Array64
    mean_y: Array64
    scale: Array64
    gram: Array64
    right: Array64
    rows: Array64 | None

    def solve(self, alpha: float) -> Array64:
        """Solution of the system, `(k, targets)`.

        Cholesky, and eigenvalues where the penalty is so small that rounding makes the matrix indefinite.
        PyTorch's Cholesky takes about two thirds of SciPy's time on a CPU.
        """
        penalised = torch.from_numpy(self.gram.copy())
        penalised.diagonal().add_(alpha)
        factor, failed = torch.linalg.cholesky_ex(penalised)
        if not failed:
            return torch.cholesky_solve(torch.from_numpy(self.right), factor).numpy()
        values, vectors = np.linalg.eigh(self.gram)
        return vectors @ ((vectors.T @ self.right) / (values.clip(0)[:, None] + alpha))

    def weights(self, alpha: float) -> Array64:
        """`W` for unscaled U, `(features, targets)`."""
        solution = self.solve(alpha)
        if self.rows is not None:
            solution = self.rows.T @ solution
        return solution / self.scale[:, None]

    def coordinates(self, u: Array64) -> Array64:
        """`(n, features)` to `(n, k)`: by a product with `solve`, what U adds to the mean of Y."""
        centred = (u - self.mean_u) / self.scale
        return centred if self.rows is None else centred @ self.rows.T


def fit_ridge(batches: Iterable[Pair], n: int, *, standardise: bool = False) -> Ridge:
    """Accumulates batches of `(U, Y)`.

    Args:
        batches: Pairs `(rows, features)`, `(rows, targets)`, `n` rows in all.
        n: Number of samples, which decides between the dual and the primal system.
        standardise: Whether every feature is scaled to unit variance before it is penalised.
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
    """Keeps the samples, which are fewer than features."""
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
    """Sums products of features about `origin`, near the mean, so that taking the mean off loses little."""
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
    """Standard deviations; 1 for a feature that does not vary."""
    deviation = np.sqrt(variance.clip(0))
    return np.where(deviation > 1e-12 * deviation.max(), deviation, 1.0)


def choose_alpha(ridge: Ridge, u: Array64, y: Array64, alphas: Sequence[float] = ALPHAS) -> float:
    """The penalty with the least squared error on held-out samples."""
    coordinates, deviation = ridge.coordinates(u), y - ridge.mean_y
    return min(alphas, key=lambda alpha: float(np.square(coordinates @ ridge.solve(alpha) - deviation).sum()))
