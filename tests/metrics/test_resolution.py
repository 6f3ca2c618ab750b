"""Errors of parts of a map: each error is found in the band, the depth and the nodes where it was made."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fwibench.datasets.base import Dataset
from fwibench.datasets.salt.dataset import PROBLEM
from fwibench.metrics import resolution
from fwibench.metrics.pointwise import mae
from fwibench.metrics.resolution import (
    band_limits,
    error_by_depth,
    error_by_wavenumber,
    error_high,
    error_low,
    error_mid,
    mae_deep,
    mae_edges,
    mae_inside,
    mae_middle,
    mae_shallow,
    near_edges,
    wavelength,
)
from fwibench.problem import Grid, Problem, Property
from fwibench.testing.problems import EM

BANDS = {"low": error_low, "mid": error_mid, "high": error_high}
THIRDS = (mae_shallow, mae_middle, mae_deep)
EVERY = (*BANDS.values(), *THIRDS, mae_edges, mae_inside)
NZ, NX = PROBLEM.grid.shape


def rough(seed: int, n: int = 3) -> np.ndarray:
    """Maps with all wavenumbers and with edges."""
    rng = np.random.default_rng(seed)
    maps = np.cumsum(rng.normal(0, 15, (n, 1, NZ, NX)), axis=2) + rng.normal(2500, 10, (n, 1, NZ, NX))
    for one in maps[:, 0]:
        z, x = rng.integers(5, 20), rng.integers(5, 40)
        one[z : z + 12, x : x + 12] += 400
    return maps.astype(np.float32)


def wave(down: int, across: int, size: float = 100.0) -> np.ndarray:
    """A wave of half periods `down` and `across` the section, mirrored at its edges, `(1, 1, Z, X)`."""
    z, x = ((np.arange(count) + 0.5) * np.pi / count for count in (NZ, NX))
    return (size * np.cos(down * z)[:, None] * np.cos(across * x))[None, None].astype(np.float32)


def radial(down: int, across: int) -> float:
    spacing = PROBLEM.grid.spacing
    return math.hypot(down / (2 * NZ * spacing), across / (2 * NX * spacing))


def test_bands_end_at_two_and_at_half_a_wavelength() -> None:
    assert wavelength(PROBLEM) == pytest.approx(3000 / 12)
    assert band_limits(PROBLEM) == pytest.approx((1 / 500, 1 / 125))


def test_without_a_wavelength_bands_follow_from_the_grid() -> None:
    conductivity = Property(name="density", unit="kg/m^3", low=1500, high=4500)
    for problem in (EM, PROBLEM.model_copy(update={"property": conductivity})):
        assert wavelength(problem) is None
        assert band_limits(problem) == pytest.approx((1 / 320, 1 / 80))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, NZ - 1), st.integers(0, NX - 1), st.integers(0, 999))
def test_a_pure_wave_is_an_error_of_its_own_band_alone(down: int, across: int, seed: int) -> None:
    truth = rough(seed, 1)
    wrong = truth + wave(down, across)
    number = radial(down, across)
    low, high = band_limits(PROBLEM)
    own = "low" if number < low else "mid" if number < high else "high"
    for name, metric in BANDS.items():
        (score,) = metric(wrong, truth, PROBLEM)
        # float32 maps are rounded to 1e-4 m/s in 3000
        assert score < 1e-4 if name != own else score > 1e-3


def test_size_of_a_band_error_is_that_of_its_norms() -> None:
    truth = 2500 + wave(3, 5, 200) + wave(20, 30, 50)
    wrong = 2500 + wave(3, 5, 100) + wave(20, 30, 125)
    assert radial(3, 5) < 1 / 125 < radial(20, 30)
    assert error_mid(wrong, truth, PROBLEM) == pytest.approx([0.5], rel=1e-4)
    assert error_high(wrong, truth, PROBLEM) == pytest.approx([1.5], rel=1e-4)


def test_mean_map_has_error_one_in_every_band() -> None:
    truth = rough(0)
    mean = np.broadcast_to(truth.mean((2, 3), dtype=np.float64, keepdims=True), truth.shape).astype(np.float32)
    for metric in BANDS.values():
        np.testing.assert_allclose(metric(mean, truth, PROBLEM), 1, rtol=1e-4)
    # a wrong mean is an error of long waves
    assert (error_low(mean + np.float32(300), truth, PROBLEM) > 1.05).all()
    np.testing.assert_allclose(error_high(mean + np.float32(300), truth, PROBLEM), 1, rtol=1e-4)


def test_opposite_sides_that_differ_are_no_fine_structure() -> None:
    ramp = np.linspace(0, 600, NX, dtype=np.float32) * np.ones((1, 1, NZ, 1), np.float32)
    truth = rough(1, 1)
    found = {name: float(metric(truth + ramp, truth, PROBLEM)[0]) for name, metric in BANDS.items()}
    assert found["high"] < 0.02 * found["low"]
    # without the mirrored extension the jump from one side to the other would be in the high band
    periodic = np.abs(np.fft.fft(ramp[0, 0, 0] - 300))
    assert periodic[NX // 8 : NX // 2].max() > 0.05 * periodic.max()


def test_bands_of_a_map_without_structure_are_empty() -> None:
    flat = np.full((2, 1, NZ, NX), 2000, np.float32)
    for metric in BANDS.values():
        assert np.isnan(metric(rough(0, 2), flat, PROBLEM)).all()
    tiny = 2000 + wave(3, 5, 4)
    # 4 m/s of a wave in both axes are 2 m/s on average, below a thousandth of the range
    assert np.isnan(error_mid(tiny, tiny, PROBLEM)).all()
    assert error_mid(2 * tiny, 2 * tiny, PROBLEM) == pytest.approx([0])


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_energies_of_the_bands_sum_to_that_of_the_map(seed: int) -> None:
    a, b = rough(seed), rough(seed + 1)
    number = np.digitize(resolution.radial_wavenumbers(PROBLEM.grid), band_limits(PROBLEM))
    reference = resolution._energy(b)
    reference[:, 0, 0] = 0
    parts = [
        np.square(metric(a, b, PROBLEM)) * reference[:, number == i].sum(1) for i, metric in enumerate(BANDS.values())
    ]
    np.testing.assert_allclose(sum(parts), np.square(a.astype(float) - b).sum((1, 2, 3)), rtol=1e-9)


def test_errors_are_found_at_their_depth() -> None:
    truth = rough(0)
    wrong = truth.copy()
    wrong[:, :, :13] += 10
    wrong[:, :, 27:] -= 30
    for metric, expected in zip(THIRDS, (10, 0, 30), strict=True):
        np.testing.assert_allclose(metric(wrong, truth, PROBLEM), expected, rtol=1e-5)
    np.testing.assert_allclose(error_by_depth(wrong, truth), np.repeat([10, 0, 30], (13, 14, 13)), rtol=1e-5, atol=1e-6)


def test_swapped_halves_swap_shallow_and_deep() -> None:
    truth, wrong = rough(0), rough(1)
    turned = [one[:, :, ::-1].copy() for one in (wrong, truth)]
    np.testing.assert_allclose(mae_shallow(*turned, PROBLEM), mae_deep(wrong, truth, PROBLEM))
    np.testing.assert_allclose(mae_deep(*turned, PROBLEM), mae_shallow(wrong, truth, PROBLEM))
    np.testing.assert_allclose(mae_middle(*turned, PROBLEM), mae_middle(wrong, truth, PROBLEM))


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_parts_average_to_the_mean_absolute_error(seed: int) -> None:
    truth, wrong = rough(seed), rough(seed + 1)
    whole = mae(wrong, truth, PROBLEM)
    thirds = sum(rows * metric(wrong, truth, PROBLEM) for rows, metric in zip((13, 14, 13), THIRDS, strict=True))
    np.testing.assert_allclose(thirds / NZ, whole)
    share = near_edges(truth, PROBLEM).mean((1, 2, 3))
    pair = share * mae_edges(wrong, truth, PROBLEM) + (1 - share) * mae_inside(wrong, truth, PROBLEM)
    np.testing.assert_allclose(pair, whole)


def test_thirds_of_few_rows() -> None:
    assert resolution.third_rows(3) == (0, 1, 2, 3)
    problem: Problem = PROBLEM.model_copy(update={"grid": Grid(nz=1, nx=60, spacing=10.0)})
    row = rough(0)[:, :, :1]
    scores = [metric(row + 1, row, problem) for metric in THIRDS]
    assert [np.isnan(one).all() for one in scores] == [True, False, True]
    np.testing.assert_allclose(scores[1], 1, rtol=1e-3)


def body() -> np.ndarray:
    truth = np.full((1, 1, NZ, NX), 2000, np.float32)
    truth[..., 20:30, 10:30] = 2150
    return truth


def test_edges_are_two_nodes_on_both_sides_of_a_jump() -> None:
    # 150 m/s are 5 % of 1500 to 4500 m/s
    near = near_edges(body(), PROBLEM)[0, 0]
    expected = np.zeros((NZ, NX), bool)
    expected[18:32, 8:32] = True
    expected[22:28, 12:28] = False
    # the corners outside touch the body only diagonally: neither their row nor their column has a jump
    for z in (18, 31):
        for x in (8, 31):
            expected[z, x] = False
    np.testing.assert_array_equal(near, expected)
    assert not near_edges(body() * np.float32(0.99), PROBLEM).any(), "a jump of 148.5 m/s is no edge"


def test_errors_at_edges_are_told_from_errors_inside() -> None:
    truth = body()
    wrong = truth.copy()
    wrong[..., 24:26, 15:25] += 500
    assert mae_edges(wrong, truth, PROBLEM) == pytest.approx([0])
    assert mae_inside(wrong, truth, PROBLEM) > mae(wrong, truth, PROBLEM)
    blurred = truth.copy()
    blurred[..., 19:21, 10:30] = 2075
    assert mae_inside(blurred, truth, PROBLEM) == pytest.approx([0])
    assert mae_edges(blurred, truth, PROBLEM) > mae(blurred, truth, PROBLEM)


def test_map_without_edges_has_no_score_there() -> None:
    smooth = 2500 + wave(1, 1)
    wrong = smooth + np.float32(5)
    assert np.isnan(mae_edges(wrong, smooth, PROBLEM)).all()
    assert mae_inside(wrong, smooth, PROBLEM) == pytest.approx([5], rel=1e-4)
    stripes = np.where(np.arange(NX) % 2, 2000, 3000).astype(np.float32) * np.ones((1, 1, NZ, 1), np.float32)
    assert np.isnan(mae_inside(wrong, stripes, PROBLEM)).all()


@pytest.mark.parametrize("metric", EVERY)
def test_scores_of_a_sample_do_not_depend_on_its_batch(metric) -> None:
    a, b = rough(0), rough(1)
    alone = np.concatenate([metric(a[i : i + 1], b[i : i + 1], PROBLEM) for i in range(3)])
    np.testing.assert_allclose(metric(a, b, PROBLEM), alone, rtol=1e-12)
    assert np.isfinite(alone).all()


def test_curve_of_a_pure_wave_has_one_peak_at_its_wavenumber() -> None:
    truth = rough(0)
    found = error_by_wavenumber(truth + wave(12, 9), truth, PROBLEM)
    assert (np.diff(found.wavenumbers) > 0).all()
    assert found.wavenumbers[-1] < 0.5 / PROBLEM.grid.spacing
    peak = int(found.errors.argmax())
    width = 0.5 / (NZ * PROBLEM.grid.spacing)
    assert found.wavenumbers[peak] == pytest.approx(radial(12, 9), abs=width)
    assert np.sort(found.errors)[-2] < 1e-3 * found.errors[peak]


def test_curve_of_the_mean_map_is_one_everywhere() -> None:
    truth = rough(0)
    mean = truth.mean((2, 3), keepdims=True) * np.ones_like(truth)
    np.testing.assert_allclose(error_by_wavenumber(mean, truth, PROBLEM).errors, 1, rtol=1e-3)


def test_real_maps_have_all_scores(salt: Dataset) -> None:
    truth = salt.split("random", "test").properties[:]
    wrong = truth[::-1].copy()
    for metric in EVERY:
        scores = metric(wrong, truth, salt.problem)
        assert np.isfinite(scores).all()
        assert (metric(truth, truth, salt.problem) == 0).all()
