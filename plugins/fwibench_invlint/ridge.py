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
    """The centred normal equations of a regression, to be solved for any penalty.

    `Y = mean_y + (U - mean_u) W`, where `W` minimises `|Y - Y_hat|**2 + alpha |W|**2` with U scaled by
    `scale`. With fewer samples than features the system is the dual, otherwise the primal.

    Attributes:
        gram: Matrix of the system, `(k, k)`, k being samples or features.
        right: Its right-hand side, `(k, targets)`.
        rows: Centred and scaled samples `(samples, features)` in the dual; None in the primal.
    """

    mean_u: Array
    mean_y: Array
    scale: Array
    gram: Array
    right: Array
    rows: Array | None

    def solve(self, alpha: float) -> Array:
        """Solution of the system, `(k, targets)`.

        Cholesky, and eigenvalues where the penalty is so small that rounding makes the matrix indefinite.
        """
        from scipy.linalg import cho_factor, cho_solve

        penalised = self.gram.copy()
        penalised.flat[:: len(penalised) + 1] += alpha
        try:
            return cho_solve(
                cho_factor(penalised, overwrite_a=True, check_finite=False), self.right, check_finite=False
            )
        except np.linalg.LinAlgError:
            values, vectors = np.linalg.eigh(self.gram)
            return vectors @ ((vectors.T @ self.right) / (values.clip(0)[:, None] + alpha))

    def weights(self, alpha: float) -> Array:
        """`W` for unscaled U, `(features, targets)`."""
        solution = self.solve(alpha)
        if self.rows is not None:
            solution = self.rows.T @ solution
        return solution / self.scale[:, None]

    def predict(self, u: Array, alpha: float) -> Array:
        """`(n, features)` to `(n, targets)`."""
        centred = (u - self.mean_u) / self.scale
        if self.rows is not None:
            centred = centred @ self.rows.T
        return self.mean_y + centred @ self.solve(alpha)


def fit_ridge(batches: Iterable[tuple[Array, Array]], n: int, *, standardise: bool = False) -> Ridge:
    """Accumulates batches of `(U, Y)`.

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
        return Ridge(*means, scale, u_all @ u_all.T, y_all, u_all)
    gram -= n * np.outer(shift_u, shift_u)
    cross -= n * np.outer(shift_u, shift_y)
    scale = _scale(np.diag(gram) / n, standardise)
    return Ridge(*means, scale, gram / np.outer(scale, scale), cross / scale[:, None], None)


def _scale(variance: Array, standardise: bool) -> Array:
    deviation = np.sqrt(variance.clip(0))
    return np.where(deviation > 1e-12 * deviation.max(), deviation, 1.0) if standardise else np.ones_like(variance)


def choose_alpha(ridge: Ridge, u: Array, y: Array, alphas: Sequence[float] = ALPHAS) -> float:
    """The penalty with the least squared error on held-out samples."""
    return min(alphas, key=lambda alpha: float(np.square(ridge.predict(u, alpha) - y).sum()))
