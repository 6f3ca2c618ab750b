import numpy as np
import pytest
from fwibench_invlint.regression import r2_interval, regression_figures


def test_r2_of_truth_is_one_and_of_the_mean_is_zero() -> None:
    y = np.random.default_rng(30).normal(size=(30, 7))
    mean = y.mean(0)
    found = regression_figures("test", [(y[:10], y[:10]), (y[10:], y[10:])], mean, 1.0, interval=True)
    assert found["ridge_r2_test"] == found["ridge_r2_test_low"] == found["ridge_r2_test_high"] == 1
    constant = np.broadcast_to(mean, y.shape)
    assert regression_figures("val", [(constant, y)], mean, 1.0)["ridge_r2_val"] == pytest.approx(0)


def test_deviation_is_about_the_training_mean() -> None:
    y = np.random.default_rng(2).normal(3, 2, size=(30, 7))
    mean = np.full(7, 2.5)
    found = regression_figures("val", [(y[:10], y[:10]), (y[10:], y[10:])], mean, 4.0)
    assert found["y_deviation_val"] == pytest.approx(4 * np.sqrt(np.square(y - 2.5).mean()))
    assert regression_figures("val", [(y[:1], y[:1])], y[0], 4.0)["y_deviation_val"] == 0


def test_interval_of_r2_covers_the_true_value_as_often_as_it_says() -> None:
    rng, covered = np.random.default_rng(7), 0
    for _ in range(200):
        y = rng.normal(size=(60, 4))
        error = 0.5 * rng.normal(size=y.shape)
        low, high = r2_interval(np.square(error).sum(1), np.square(y).sum(1))
        covered += low < 0.75 < high
    # 95 % of 200 intervals, less four standard deviations and the 2 % that percentiles of 60 samples fall short
    assert covered / 200 > 0.87


def test_interval_does_not_depend_on_the_batches() -> None:
    rng = np.random.default_rng(1)
    y = rng.normal(size=(20, 3))
    found = y + 0.3 * rng.normal(size=y.shape)
    mean = np.zeros(3)
    one = regression_figures("test", [(found, y)], mean, 1.0, interval=True)
    two = regression_figures("test", [(found[:7], y[:7]), (found[7:], y[7:])], mean, 1.0, interval=True)
    assert one == pytest.approx(two)
    assert one["ridge_r2_test_low"] < one["ridge_r2_test"] < one["ridge_r2_test_high"]


def test_one_sample_has_no_interval() -> None:
    assert np.isnan(r2_interval(np.ones(1), np.ones(1))).all()
