import numpy as np
import pytest
import torch
from sklearn import linear_model
from sklearn.preprocessing import StandardScaler

from fwibench.methods.ridge import Ridge, choose_alpha, fit_ridge
from tests.tolerances import assert_same_signal, rounding


def data(n: int, features: int = 40, targets: int = 7) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(n)
    u = rng.normal(50, 3, (n, features)) * np.geomspace(0.1, 10, features)
    return u, u @ rng.normal(size=(features, targets)) / 30 + rng.normal(size=(n, targets))


def batches(u: np.ndarray, y: np.ndarray, size: int = 9) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(u[i : i + size], y[i : i + size]) for i in range(0, len(u), size)]


def predict(ridge: Ridge[np.ndarray], u: np.ndarray, alpha: float) -> np.ndarray:
    return ridge.mean_y + (u - ridge.mean_u) @ ridge.weights(alpha)


@pytest.mark.parametrize("n", [25, 40, 200], ids=["dual", "square", "primal"])
@pytest.mark.parametrize("alpha", [1e-2, 1.0, 100.0])
@pytest.mark.parametrize("standardise", [False, True])
def test_agrees_with_scikit_learn(n: int, alpha: float, standardise: bool) -> None:
    u, y = data(n)
    scaler = StandardScaler(with_std=standardise).fit(u)
    expected = linear_model.Ridge(alpha=alpha, solver="svd").fit(scaler.transform(u), y).predict(scaler.transform(u))
    found = predict(fit_ridge(batches(u, y), n, standardise=standardise), u, alpha)
    condition = np.linalg.cond(scaler.transform(u).T @ scaler.transform(u) + alpha * np.eye(u.shape[1]))
    assert_same_signal(found, expected, rounding(terms=n, condition=condition, dtype=np.float64))


def test_ridge_does_not_depend_on_the_batches() -> None:
    u, y = data(200)
    one, many = fit_ridge([(u, y)], 200), fit_ridge(batches(u, y, 3), 200)
    condition = np.linalg.cond(one.gram + np.eye(len(one.gram)))
    assert_same_signal(many.weights(1.0), one.weights(1.0), rounding(200, condition, np.float64))


@pytest.mark.parametrize("n", [25, 200], ids=["dual", "primal"])
@pytest.mark.parametrize("standardise", [False, True])
@pytest.mark.parametrize("alpha", [0.0, 1e-2, 100.0])
def test_tensors_give_the_weights_of_arrays(n: int, standardise: bool, alpha: float) -> None:
    u, y = data(n)
    u[:, 5] = u[:, 4]
    arrays = fit_ridge(batches(u, y), n, standardise=standardise)
    pairs = [(torch.from_numpy(a.copy()), torch.from_numpy(b.copy())) for a, b in batches(u, y)]
    tensors = fit_ridge(pairs, n, standardise=standardise)
    # two equal columns, or centred samples, make the matrix singular; both ways then replace the decomposition
    alpha = max(alpha, 1e-10 * float(np.trace(arrays.gram)))
    condition = np.linalg.cond(arrays.gram + alpha * np.eye(len(arrays.gram)))
    weights = tensors.weights(alpha)
    assert weights.dtype == torch.float64
    tolerance = rounding(terms=n, condition=condition, dtype=np.float64)
    assert_same_signal(weights, arrays.weights(alpha), tolerance)
    assert_same_signal(tensors.coordinates(torch.from_numpy(u)), arrays.coordinates(u), rounding(n, 1e3, np.float64))
    alphas = (0.1, 1e3)
    assert choose_alpha(tensors, *map(torch.from_numpy, (u, y)), alphas) == choose_alpha(arrays, u, y, alphas)


def test_matrix_that_rounding_makes_indefinite_is_solved() -> None:
    rng = np.random.default_rng(0)
    u = rng.normal(size=(50, 3))[:, [0, 1, 2, 0]]
    y = u[:, :1] * 2
    for pairs in ([(u.copy(), y.copy())], [(torch.from_numpy(u.copy()), torch.from_numpy(y.copy()))]):
        ridge = fit_ridge(pairs, 50)
        ridge.gram[3, 3] *= 1 - 1e-14
        assert_same_signal((u - u.mean(0)) @ np.asarray(ridge.weights(1e-14)), y - y.mean(0), 1e-6)


def test_alpha_minimises_the_held_out_error() -> None:
    u, y = data(60)
    ridge = fit_ridge(batches(u[:45], y[:45]), 45)
    alpha = choose_alpha(ridge, u[45:], y[45:])
    errors = {a: np.square(predict(ridge, u[45:], a) - y[45:]).sum() for a in (1e-3, 1e-1, 10.0, 1e3)}
    assert np.square(predict(ridge, u[45:], alpha) - y[45:]).sum() <= min(errors.values())


def test_regression_without_samples_raises() -> None:
    with pytest.raises(ValueError, match="at least one sample"):
        fit_ridge([], 0)
