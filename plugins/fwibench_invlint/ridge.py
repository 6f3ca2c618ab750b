"""Ridge regression in float64 that reads its samples once.

Invariant: memory is bounded by the number of features squared, however many samples there are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
ALPHAS = tuple(10.0**k for k in range(-8, 6))


@dataclass(frozen=True)
class Ridge:
    """A centred regression, factorised once for every penalty.

    `Y = mean_y + (U - mean_u) W`, where `W` minimises `|Y - Y_hat|**2 + alpha |W|**2` with U scaled by
    `scale`. With fewer samples than features the dual system is factorised, otherwise the primal.
    """

    mean_u: Array
    mean_y: Array
    scale: Array
    values: Array
    vectors: Array
    right: Array
    rows: Array | None

    def weights(self, alpha: float) -> Array:
        """`W` for unscaled U, `(features, targets)`."""
        solution = self.vectors @ (self.right / (self.values[:, None] + alpha))
        if self.rows is not None:
            solution = self.rows.T @ solution
        return solution / self.scale[:, None]

    def predict(self, u: Array, alpha: float) -> Array:
        """`(n, features)` to `(n, targets)`."""
        return self.mean_y + (u - self.mean_u) @ self.weights(alpha)


def fit_ridge(batches: Iterable[tuple[Array, Array]], n: int, *, standardise: bool = False) -> Ridge:
    """Accumulates batches of `(U, Y)` and factorises.

    Args:
        batches: Pairs `(rows, features)`, `(rows, targets)`, `n` rows in all.
        n: Number of samples, which decides between the dual and the primal system.
        standardise: Whether every feature is scaled to unit variance before it is penalised.
    """
    u_rows: list[Array] = []
    y_rows: list[Array] = []
    origin = gram = cross = sum_u = sum_y = None
    for u, y in batches:
        if origin is None:
            origin = u.mean(0), y.mean(0)
            features, targets = u.shape[1], y.shape[1]
            sum_u, sum_y = np.zeros(features), np.zeros(targets)
            if n >= features:
                gram, cross = np.zeros((features, features)), np.zeros((features, targets))
        u, y = u - origin[0], y - origin[1]
        sum_u, sum_y = sum_u + u.sum(0), sum_y + y.sum(0)
        if gram is None or cross is None:
            u_rows.append(u)
            y_rows.append(y)
        else:
            gram += u.T @ u
            cross += u.T @ y
    if origin is None or sum_u is None or sum_y is None:
        raise ValueError("a regression needs at least one sample")
    shift_u, shift_y = sum_u / n, sum_y / n
    means = origin[0] + shift_u, origin[1] + shift_y
    if gram is None or cross is None:
        u_all, y_all = np.concatenate(u_rows) - shift_u, np.concatenate(y_rows) - shift_y
        scale = _scale(u_all.var(0), standardise)
        u_all /= scale
        values, vectors = np.linalg.eigh(u_all @ u_all.T)
        return Ridge(*means, scale, values.clip(0), vectors, vectors.T @ y_all, u_all)
    gram -= n * np.outer(shift_u, shift_u)
    cross -= n * np.outer(shift_u, shift_y)
    scale = _scale(np.diag(gram) / n, standardise)
    values, vectors = np.linalg.eigh(gram / np.outer(scale, scale))
    return Ridge(*means, scale, values.clip(0), vectors, vectors.T @ (cross / scale[:, None]), None)


def _scale(variance: Array, standardise: bool) -> Array:
    deviation = np.sqrt(variance.clip(0))
    return np.where(deviation > 1e-12 * deviation.max(), deviation, 1.0) if standardise else np.ones_like(variance)


def choose_alpha(ridge: Ridge, u: Array, y: Array, alphas: Sequence[float] = ALPHAS) -> float:
    """The penalty with the least squared error on held-out samples."""
    return min(alphas, key=lambda alpha: float(np.square(ridge.predict(u, alpha) - y).sum()))
