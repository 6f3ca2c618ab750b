import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from skimage.metrics import structural_similarity

from fwibench.datasets.salt.dataset import PROBLEM, Salt
from fwibench.datasets.salt.spec import SALT
from fwibench.metrics.pointwise import mae, mae_illuminated, mse, rmse
from fwibench.metrics.pooling import pool
from fwibench.metrics.ssim import ssim, ssim_wang
from fwibench.plugins.registry import load_registry
from fwibench.problem import Grid, Problem
from fwibench.testing.problems import EM


def maps(seed: int, n: int = 3, shape: tuple[int, int] = (40, 60)) -> np.ndarray:
    rng = np.random.default_rng(seed)
    smooth = np.cumsum(rng.normal(0, 60, (n, 1, *shape)), axis=2) + 2500
    return smooth.clip(1500, 4500).astype(np.float32)


def direct_ssim(a: np.ndarray, b: np.ndarray) -> float:
    """The published definition, pixel by pixel, by loops: zero padding, every pixel counts."""
    offsets = range(-5, 6)
    weight = {(i, j): math.exp(-(i * i + j * j) / (2 * 1.5**2)) for i in offsets for j in offsets}
    total = sum(weight.values())
    a, b = (np.pad((x.astype(float) - 1500) / 3000, 5) for x in (a, b))
    values = []
    for z in range(5, a.shape[0] - 5):
        for x in range(5, a.shape[1] - 5):
            window = [(w / total, a[z + i, x + j], b[z + i, x + j]) for (i, j), w in weight.items()]
            mean_a, mean_b = sum(w * p for w, p, _ in window), sum(w * q for w, _, q in window)
            var_a = sum(w * p * p for w, p, _ in window) - mean_a**2
            var_b = sum(w * q * q for w, _, q in window) - mean_b**2
            cov = sum(w * p * q for w, p, q in window) - mean_a * mean_b
            luminance = (2 * mean_a * mean_b + 1e-4) / (mean_a**2 + mean_b**2 + 1e-4)
            values.append(luminance * (2 * cov + 9e-4) / (var_a + var_b + 9e-4))
    return float(np.mean(values))


def test_pointwise_errors_of_known_maps() -> None:
    truth = np.full((2, 1, 2, 2), 2000, np.float32)
    prediction = truth + np.array([[[1, -1], [3, -3]], [[0, 0], [0, 4]]], np.float32)[:, None]
    np.testing.assert_allclose(mae(prediction, truth, PROBLEM), [2, 1])
    np.testing.assert_allclose(mse(prediction, truth, PROBLEM), [5, 4])
    np.testing.assert_allclose(rmse(prediction, truth, PROBLEM), [math.sqrt(5), 2])


def test_ssim_agrees_with_a_direct_computation() -> None:
    a, b = maps(0, shape=(14, 17)), maps(1, shape=(14, 17))
    problem = PROBLEM.model_copy(update={"grid": Grid(nz=14, nx=17, spacing=10.0)})
    expected = [direct_ssim(x[0], y[0]) for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(ssim(a, b, problem), expected, rtol=1e-9)


def test_ssim_wang_agrees_with_scikit_image() -> None:
    a, b = maps(0), maps(1)
    scaled = [(x.astype(float) - 1500) / 3000 for x in (a, b)]
    expected = [
        structural_similarity(x[0], y[0], data_range=1.0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False)
        for x, y in zip(*scaled, strict=True)
    ]
    np.testing.assert_allclose(ssim_wang(a, b, PROBLEM), expected, rtol=1e-9)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6))
def test_identical_maps_have_ssim_one(seed: int) -> None:
    a = maps(seed)
    for metric in (ssim, ssim_wang):
        np.testing.assert_allclose(metric(a, a, PROBLEM), 1.0)
        assert (metric(maps(seed + 1), a, PROBLEM) < 1).all()


def test_scores_of_a_sample_do_not_depend_on_its_batch() -> None:
    a, b = maps(0), maps(1)
    for metric in (mae, mse, rmse, ssim, ssim_wang):
        alone = np.concatenate([metric(a[i : i + 1], b[i : i + 1], PROBLEM) for i in range(3)])
        np.testing.assert_array_equal(metric(a, b, PROBLEM), alone)


def test_map_smaller_than_the_window_has_no_wang_score() -> None:
    problem: Problem = PROBLEM.model_copy(update={"grid": Grid(nz=10, nx=60, spacing=10.0)})
    small = maps(0, shape=(10, 60))
    assert np.isnan(ssim_wang(small, small, problem)).all()
    assert ssim(small, small, problem) == pytest.approx(1.0)


def test_only_illuminated_nodes_count() -> None:
    survey = PROBLEM.survey
    near = tuple(place for place in survey.receivers if place.x < 200)
    half = PROBLEM.model_copy(update={"survey": survey.model_copy(update={"sources": near[:3], "receivers": near})})
    truth = maps(0, n=2)
    wrong = truth.copy()
    wrong[0, :, :, 50:] += 500
    wrong[1, :, 5:12, 5:12] += 500
    whole, seen = mae(wrong, truth, half), mae_illuminated(wrong, truth, half)
    assert seen[0] < 0.2 * whole[0], "the right end is not seen from the left third"
    assert seen[1] > whole[1]
    np.testing.assert_array_equal(mae_illuminated(wrong[1:], truth[1:], half), seen[1:])


def test_illuminated_error_needs_acoustic_physics() -> None:
    unknown = PROBLEM.model_copy(update={"physics": None})
    assert np.isnan(mae_illuminated(maps(0), maps(1), unknown)).all()
    fields = np.full((2, 1, *EM.grid.shape), 0.1, np.float32)
    assert np.isnan(mae_illuminated(fields, fields, EM)).all()


def test_ssim_is_of_maps_on_0_to_1_and_the_guide_tells_what_another_range_gives() -> None:
    salt = Salt(SALT, SALT.options(), "quick")
    first, *_, last = salt.maps(range(100, 104))
    problem = salt.problem
    signed = problem.model_copy(update={"property": problem.property.model_copy(update={"low": 3000.0})})
    page = (Path(__file__).parents[2] / "docs" / "guide" / "running.md").read_text()
    values = [ssim(last[None], first[None], scaled)[0] for scaled in (problem, signed)]
    assert f"{values[1]:.4f} instead of {values[0]:.4f}" in page


def test_openfwi_metrics_are_the_numbers_of_its_test_script() -> None:
    """Independent computation of OpenFWI's test.py: float64, padded windows, mean over everything."""
    specs = {offer.spec.name: offer.spec for offer in load_registry(only=()).metrics.values()}
    a, b = maps(0, shape=(14, 17)), maps(1, shape=(14, 17))
    problem = PROBLEM.model_copy(update={"grid": Grid(nz=14, nx=17, spacing=10.0)})
    # labels are scaled to [-1, 1] by 1500 and 4500 m/s
    x, y = (2 * (one.astype(float) - 1500) / 3000 - 1 for one in (a, b))
    expected = {
        "mae-normalised": np.abs(x - y).mean(),
        "rmse-normalised": np.sqrt(np.square(x - y).mean()),
        "ssim-openfwi": np.mean([direct_ssim(one[0], other[0]) for one, other in zip(a, b, strict=True)]),
    }
    for name, value in expected.items():
        spec = specs[name]
        assert pool(spec.load()(a, b, problem), spec.pooling) == pytest.approx(value, abs=1e-6), name
        assert (spec.default, spec.shown) == (False, ())
