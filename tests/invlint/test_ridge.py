import numpy as np
import pytest
from fwibench_invlint.regression import regression_figures
from fwibench_invlint.ridge import Ridge, choose_alpha, fit_ridge
from sklearn import linear_model
from sklearn.preprocessing import StandardScaler

from tests.tolerances import assert_same_signal, rounding


def data(n: int, features: int = 40, targets: int = 7) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(n)
    u = rng.normal(50, 3, (n, features)) * np.geomspace(0.1, 10, features)
    return u, u @ rng.normal(size=(features, targets)) / 30 + rng.normal(size=(n, targets))


def batches(u: np.ndarray, y: np.ndarray, size: int = 9) -> list[tuple[np.ndarray, np.ndarray]]:
    return [(u[i : i + size], y[i : i + size]) for i in range(0, len(u), size)]


def predict(ridge: Ridge, u: np.ndarray, alpha: float) -> np.ndarray:
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


def test_alpha_minimises_the_held_out_error() -> None:
    u, y = data(60)
    ridge = fit_ridge(batches(u[:45], y[:45]), 45)
    alpha = choose_alpha(ridge, u[45:], y[45:])
    errors = {a: np.square(predict(ridge, u[45:], a) - y[45:]).sum() for a in (1e-3, 1e-1, 10.0, 1e3)}
    assert np.square(predict(ridge, u[45:], alpha) - y[45:]).sum() <= min(errors.values())


def test_r2_of_truth_is_one_and_of_the_mean_is_zero() -> None:
    _, y = data(30)
    mean = y.mean(0)
    assert regression_figures([(y[:10], y[:10]), (y[10:], y[10:])], mean, 1.0)["ridge_r2"] == 1
    constant = np.broadcast_to(mean, y.shape)
    assert regression_figures([(constant, y)], mean, 1.0)["ridge_r2"] == pytest.approx(0)


def test_regression_without_samples_raises() -> None:
    with pytest.raises(ValueError, match="at least one sample"):
        fit_ridge([], 0)
