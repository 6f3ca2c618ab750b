import numpy as np
import pytest
from fwibench_invlint.regression import regression_figures


def test_r2_of_truth_is_one_and_of_the_mean_is_zero() -> None:
    y = np.random.default_rng(30).normal(size=(30, 7))
    mean = y.mean(0)
    assert regression_figures([(y[:10], y[:10]), (y[10:], y[10:])], mean, 1.0)["ridge_r2"] == 1
    constant = np.broadcast_to(mean, y.shape)
    assert regression_figures([(constant, y)], mean, 1.0)["ridge_r2"] == pytest.approx(0)
