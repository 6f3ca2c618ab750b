import numpy as np
import pytest

from fwibench.datasets.agreement import compare


@pytest.fixture
def shot() -> np.ndarray:
    time = np.arange(200)[:, None] - 80 - np.arange(6)
    return (np.exp(-((time / 8.0) ** 2)) * np.cos(time / 5.0))[None].astype(np.float32)


def test_equal_measurements_agree(shot: np.ndarray) -> None:
    found = compare(3, shot, shot, seismic=True)
    assert (found.number, found.correlation, found.scale, found.residual) == pytest.approx((3, 1, 1, 0))
    assert found.delay == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("shift", [-7, 1, 12])
@pytest.mark.parametrize("scale", [-2.0, 0.5])
def test_polarity_scale_and_delay_are_found(shot: np.ndarray, shift: int, scale: float) -> None:
    delayed = compare(0, scale * np.roll(shot, shift, 1), shot, seismic=True)
    assert delayed.delay == pytest.approx(shift, abs=0.01)
    aligned = compare(0, scale * shot, shot, seismic=True)
    assert aligned.scale == pytest.approx(scale)
    assert aligned.correlation == pytest.approx(np.sign(scale))
    assert aligned.residual == pytest.approx(abs(scale - 1), rel=1e-5)


def test_delay_of_half_a_sample_is_found(shot: np.ndarray) -> None:
    between = 0.5 * (shot + np.roll(shot, 1, 1))
    assert compare(0, between, shot, seismic=True).delay == pytest.approx(0.5, abs=0.02)


def test_frequencies_count_alike_in_residual() -> None:
    simulated = np.ones((1, 2, 5), np.float32) * np.array([1.0, 1e-4], np.float32)[:, None]
    stored = simulated * np.array([1.0, 2.0], np.float32)[:, None]
    found = compare(0, stored, simulated, seismic=False)
    assert found.delay is None
    assert found.residual == pytest.approx(np.sqrt(0.5), rel=1e-5)


def test_silent_simulation_has_no_scale(shot: np.ndarray) -> None:
    assert np.isnan(compare(0, shot, 0 * shot, seismic=True).scale)
