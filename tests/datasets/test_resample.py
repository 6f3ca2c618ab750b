import numpy as np
import pytest

from fwibench.datasets.simulated import resample


@pytest.mark.parametrize(
    ("old", "new"), [((201, 301), (40, 60)), ((10, 7), (23, 9)), ((8, 5), (3, 11)), ((2, 2), (5, 1))]
)
def test_resampling_keeps_constant_and_bounds(old: tuple[int, int], new: tuple[int, int]) -> None:
    np.testing.assert_allclose(resample(np.full((1, *old), 2500, np.float32), new), np.full((1, *new), 2500), rtol=1e-6)
    noise = np.random.default_rng(0).uniform(1500, 4500, (1, *old)).astype(np.float32)
    assert resample(noise, new).min() >= 1500
    assert resample(noise, new).max() <= 4500


def test_whole_cells_are_averaged() -> None:
    section = np.random.default_rng(0).normal(size=(1, 6, 8)).astype(np.float32)
    expected = section.reshape(1, 3, 2, 2, 4).mean((2, 4))
    np.testing.assert_allclose(resample(section, (3, 2)), expected, atol=1e-6)


def test_partial_cells_are_weighted_by_overlap() -> None:
    np.testing.assert_allclose(resample(np.array([[0.0], [3.0], [6.0]], np.float32), (2, 1)), [[1.0], [5.0]])
    section = np.random.default_rng(0).normal(size=(1, 201, 301)).astype(np.float32)
    assert resample(section, (40, 60)).mean() == pytest.approx(section.mean(), abs=1e-6)


def test_resampling_keeps_gradient() -> None:
    depth = np.linspace(0, 1, 81)[:, None].astype(np.float32) @ np.ones((1, 3), np.float32)
    for rows in (40, 162):
        steps = np.diff(resample(depth, (rows, 3))[:, 1])[2:-2]
        np.testing.assert_allclose(steps, 81 / 80 / rows, rtol=1e-3)
