"""Scores of samples against independent computations."""

import itertools
from statistics import NormalDist

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm
from scipy.stats.mstats import mquantiles

from fwibench.methods.gaussian import gaussian_samples
from fwibench.metrics.pointwise import mae
from fwibench.metrics.spread import coverage_90, crps, sharpness
from fwibench.testing.problems import PROBLEMS

PROBLEM = PROBLEMS["seismic"]
ROUNDING = 1e-6
"""Largest relative difference: float32 samples have a precision of 6e-8 of a value, which is ten times the spread."""


def draw(m: int, n: int = 3, shape: tuple[int, int] = (4, 5)) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(m)
    truth = rng.normal(3000, 300, (n, 1, *shape)).astype(np.float32)
    return rng.normal(3000, 300, (m, n, 1, *shape)).astype(np.float32), truth


def integrated_crps(samples: np.ndarray, truth: float) -> float:
    """Integral of the squared difference of both distribution functions, piece by piece between their jumps."""
    jumps = np.sort([*samples.tolist(), truth]).tolist()
    pieces = itertools.pairwise(jumps)
    return sum(quad(lambda x: (np.mean(samples <= x) - (truth <= x)) ** 2, low, high)[0] for low, high in pieces)


@pytest.mark.parametrize("m", [2, 5, 20])
def test_crps_is_the_integral_of_the_squared_difference_of_distributions(m: int) -> None:
    samples, truth = draw(m)
    columns, values = samples.astype(float).reshape(m, len(truth), -1), truth.astype(float).reshape(len(truth), -1)
    expected = [
        np.mean([integrated_crps(columns[:, i, j], values[i, j]) for j in range(values.shape[1])])
        for i in range(len(truth))
    ]
    np.testing.assert_allclose(crps(samples, truth, PROBLEM), expected, rtol=ROUNDING)


def test_crps_of_equal_samples_is_the_mae() -> None:
    samples, truth = draw(2)
    np.testing.assert_allclose(crps(samples[[0, 0, 0]], truth, PROBLEM), mae(samples[0], truth, PROBLEM), rtol=ROUNDING)


@pytest.mark.parametrize("m", [2, 5, 19, 50])
def test_interval_has_the_quantiles_of_scipy(m: int) -> None:
    samples, truth = draw(m)
    low, high = mquantiles(samples.reshape(m, -1).astype(float), [0.05, 0.95], alphap=0, betap=0, axis=0)
    values = truth.ravel()
    inside = ((low <= values) & (values <= high)).reshape(len(truth), -1)
    np.testing.assert_allclose(coverage_90(samples, truth, PROBLEM), inside.mean(axis=1))
    np.testing.assert_allclose(
        sharpness(samples, truth, PROBLEM), (high - low).reshape(len(truth), -1).mean(axis=1), rtol=ROUNDING
    )


def test_coverage_of_independent_draws_is_ninety_percent() -> None:
    samples, truth = draw(19, n=1, shape=(100, 100))
    # three standard deviations of the share of 10,000 independent nodes
    assert coverage_90(samples, truth, PROBLEM)[0] == pytest.approx(0.9, abs=3 * np.sqrt(0.09 / 10_000))
    few, truth = draw(5, n=1, shape=(100, 100))
    assert coverage_90(few, truth, PROBLEM)[0] == pytest.approx(4 / 6, abs=3 * np.sqrt(2 / 9 / 10_000))


def test_gaussian_samples_have_the_interval_and_nearly_the_crps_of_their_distribution() -> None:
    mean, deviation = np.full((7, 1, 2, 2), 3000, np.float32), np.full((7, 1, 1, 1), 200, np.float32)
    steps = np.linspace(-3, 3, 7)
    samples, truth = gaussian_samples(mean, deviation), (mean + 200 * steps.reshape(-1, 1, 1, 1)).astype(np.float32)
    assert samples.dtype == np.float32
    np.testing.assert_allclose(sharpness(samples, truth, PROBLEM), 400 * NormalDist().inv_cdf(0.95), rtol=1e-5)
    np.testing.assert_array_equal(coverage_90(samples, truth, PROBLEM), np.abs(steps) < 1.645)
    # Gneiting and Raftery (2007), eq. 5
    exact = 200 * (steps * (2 * norm.cdf(steps) - 1) + 2 * norm.pdf(steps) - 1 / np.sqrt(np.pi))
    np.testing.assert_allclose(crps(samples, truth, PROBLEM), exact, rtol=0.04)
