import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from fwibench_baselines import FeatureOptions, KernelRidgeOptions, PixelRidgeOptions, costs, kernel_ridge, pixel_ridge
from fwibench_baselines.features import block_averages, block_averages_on, split_features
from fwibench_baselines.inversionnet import PartsToChannels, build_network, set_untrained
from fwibench_baselines.kernel_ridge import ALPHAS, LENGTHS, KernelRidge
from fwibench_baselines.mean_map import MeanMap
from fwibench_baselines.nearest_neighbour import NearestNeighbour
from fwibench_baselines.pixel_ridge import PixelRidge
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import Matern
from torch import nn

from fwibench.datasets.base import Dataset
from fwibench.errors import MethodError, ProblemError
from fwibench.methods.blocks import block_sizes
from fwibench.methods.context import RunContext
from fwibench.methods.flops import count_flops
from fwibench.methods.layers import measure_layers
from fwibench.specs.base import NoOptions
from fwibench.testing import em_problem, seismic_problem
from tests.tolerances import assert_same_signal, assert_within_range, rounding


@pytest.mark.parametrize(
    ("measurement", "shape", "encoder", "decoder", "mflops"),
    [
        ((5, 1000, 70), (70, 70), 11_921_344, 12_487_779, 4188.0),
        ((5, 600, 60), (40, 60), 4_662_464, 9_079_907, 1928.2),
        ((9, 1251, 101), (401, 141), 4_361_408, 11_452_251, 4731.7),
    ],
    ids=["marmousi 24,409,123", "salt 13,742,371", "leakage 15,813,659"],
)
def test_inversionnet_has_the_published_layers(
    measurement: tuple[int, int, int], shape: tuple[int, int], encoder: int, decoder: int, mflops: float
) -> None:
    network = build_network(seismic_problem(measurement, shape)).eval()
    assert [sum(p.numel() for p in part.parameters()) for part in network] == [encoder, decoder]
    flops, uncounted = count_flops(lambda: network(torch.zeros(1, *measurement)))
    assert flops / 1e6 == pytest.approx(mflops, abs=0.1)
    assert uncounted == ()
    last = list(network.modules())
    assert isinstance(last[-1], nn.Tanh)
    assert isinstance(last[-2], nn.BatchNorm2d)


def test_inversionnet_of_em_data_has_the_expected_parameters() -> None:
    network = build_network(em_problem((2, 16, 501), (351, 601))).eval()
    assert sum(p.numel() for p in network.parameters()) == 297_747
    sample = torch.zeros(1, 2, 16, 501)
    layers = measure_layers({"network": network}, lambda: network(sample))
    normalised = sum(math.prod(layer.shape) for layer in layers if layer.kind == "BatchNorm2d")
    assert (sum(layer.macs for layer in layers) + 2 * normalised) / 1e9 == pytest.approx(1.2022, abs=1e-4)
    assert network(sample).shape == (1, 1, 351, 601)
    parts = torch.arange(16.0).view(1, 1, 16, 1)
    assert PartsToChannels()(parts)[0, :, :, 0].tolist() == [list(range(0, 16, 2)), list(range(1, 16, 2))]


@settings(max_examples=15, deadline=None)
@given(st.tuples(*(st.integers(*ends) for ends in ((1, 6), (40, 700), (8, 90), (12, 90), (12, 90)))))
def test_inversionnet_fits_any_survey_and_grid(shapes: tuple[int, ...]) -> None:
    problem = seismic_problem(shapes[:3], shapes[3:])
    maps = build_network(problem).eval()(torch.zeros(1, *problem.measurement_shape))
    assert maps.shape == (1, *problem.property_shape)
    assert maps.abs().max() <= 1


def test_untrained_network_can_start_at_the_mean_and_spread_of_train(salt: Dataset) -> None:
    train = salt.split("random", "train")
    # property values far from the bounds, where tanh is nearly linear
    bounds = salt.problem.property.model_copy(update={"low": -12000.0, "high": 12000.0})
    network = build_network(salt.problem).train()
    set_untrained(network, train, bounds)
    shots = torch.from_numpy(salt.problem.amplitude.normalise(train.measurements[:], np))
    with torch.no_grad():
        predicted = network(shots).numpy()
    wanted = bounds.normalise(train.properties[:])
    assert abs(predicted.mean() - wanted.mean()) < 0.05 * wanted.std()
    assert predicted.std() == pytest.approx(wanted.std(), rel=0.05)


ROUNDED = 1e-5
"""Share of the property's range that float32 sums over some hundred terms may differ by: 0.03 m/s."""
METHODS = [
    (MeanMap, NoOptions()),
    (NearestNeighbour, FeatureOptions(features=200)),
    (PixelRidge, PixelRidgeOptions(features=200)),
    (KernelRidge, KernelRidgeOptions(features=200)),
]


@pytest.mark.parametrize(("kind", "options"), METHODS)
def test_baselines_can_be_saved_and_treat_samples_independently(
    kind: type, options: object, salt: Dataset, context: RunContext, tmp_path: Path
) -> None:
    method = kind(salt.problem, options, context)
    with pytest.raises(MethodError, match="before fit"):
        method.predict(np.zeros((1, 5, 600, 60), np.float32))
    method.fit(salt.split("random", "train"), salt.split("random", "val"))
    measurements = salt.split("random", "test").measurements[:]
    together = method.predict(measurements)
    assert together.shape == (3, 1, 40, 60)
    alone = np.concatenate([method.predict(measurements[i : i + 1]) for i in range(3)])
    assert_within_range(together, alone, salt.problem.property, ROUNDED)
    method.save(tmp_path)
    other = kind(salt.problem, options, context)
    other.load(tmp_path)
    np.testing.assert_array_equal(other.predict(measurements), together)
    assert method.complexity().parameters == 0
    with pytest.raises(ProblemError, match="measurements have shape"):
        method.predict(measurements[:, :, :-1])


def test_pixel_ridge_stored_as_a_product_predicts_the_same(
    salt: Dataset, context: RunContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    measurements = salt.split("random", "test").measurements[:]
    predictions, entries = [], []
    for largest in (2**27, 0):
        monkeypatch.setattr("fwibench_baselines.pixel_ridge.LARGEST_MATRIX", largest)
        method = PixelRidge(salt.problem, PixelRidgeOptions(features=200), context)
        method.fit(salt.split("random", "train"), salt.split("random", "val"))
        predictions.append(method.predict(measurements))
        entries.append(method.complexity().macs)
    # the penalty that val chooses keeps the condition number below a thousand
    assert_within_range(*predictions, salt.problem.property, 1e-3)
    features, train, nodes = 200, 14, 2400
    assert entries[0] == pytest.approx(features * nodes, rel=0.1)
    assert entries[1] == pytest.approx(train * (features + nodes), rel=0.1)


@pytest.mark.parametrize("largest", [2**27, 0], ids=["one matrix", "product"])
@pytest.mark.parametrize("features", [200, 12], ids=["dual", "primal"])
@pytest.mark.parametrize("alpha", ["val", 0.1])
def test_pixel_ridge_with_torch_predicts_as_scikit_learn(
    features: int, largest: int, alpha: Any, salt: Dataset, context: RunContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fwibench_baselines.pixel_ridge.LARGEST_MATRIX", largest)
    # the same features for both: coarse blocks hardly vary, and the division by their deviation amplifies rounding
    monkeypatch.setattr(
        "fwibench_baselines.features.block_averages_on", lambda _, *rest: torch.from_numpy(block_averages(*rest))
    )
    train, val = salt.split("random", "train"), salt.split("random", "val")
    methods = [PixelRidge(salt.problem, PixelRidgeOptions(features=features, alpha=alpha), context) for _ in range(2)]
    methods[0].fit(train, val)
    monkeypatch.setattr(PixelRidge, "uses_torch", True)
    methods[1].fit(train, val)
    by_numpy, by_torch = (method.fitted for method in methods)
    assert by_numpy.keys() == by_torch.keys()
    u = split_features(train, salt.problem, features).astype(np.float64)
    u = (u - u.mean(0)) / np.maximum(u.std(0), 1e-3 * u.std(0).max())
    gram = u @ u.T if len(u) < u.shape[1] else u.T @ u
    condition = np.linalg.cond(gram + (0.01 if alpha == "val" else alpha) * np.eye(len(gram)))
    for name, expected in by_numpy.items():
        # solved in float64, stored in float32
        tolerance = max(rounding(len(u), condition, np.float64), rounding())
        assert_same_signal(by_torch[name], expected, tolerance)


def test_pixel_ridge_with_torch_applies_the_matrix(
    salt: Dataset, context: RunContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    measurements = salt.split("random", "test").measurements[:]
    for largest in (2**27, 0):
        monkeypatch.setattr("fwibench_baselines.pixel_ridge.LARGEST_MATRIX", largest)
        method = PixelRidge(salt.problem, PixelRidgeOptions(features=200), context)
        method.fit(salt.split("random", "train"), salt.split("random", "val"))
        expected = method.predict(measurements)
        with monkeypatch.context() as patch:
            patch.setattr(PixelRidge, "uses_torch", True)
            # features agree to float32, and the penalty that val chooses keeps the condition number below a thousand
            assert_within_range(method.predict(measurements), expected, salt.problem.property, rounding(200, 1e3))


def test_nearest_neighbour_with_torch_finds_the_same(
    salt: Dataset, context: RunContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    train, test = salt.split("random", "train"), salt.split("random", "test")
    method = NearestNeighbour(salt.problem, FeatureOptions(features=200), context)
    method.fit(train, salt.split("random", "val"))
    expected, features = method.predict(test.measurements[:]), method.fitted["features"]
    monkeypatch.setattr(NearestNeighbour, "uses_torch", True)
    np.testing.assert_array_equal(method.predict(test.measurements[:]), expected)
    np.testing.assert_array_equal(method.predict(train.measurements[:]), train.properties[:])
    method.fit(train, salt.split("random", "val"))
    # normalised values lie in [-1, 1]; a block is summed in float32 here and in float64 there
    np.testing.assert_allclose(method.fitted["features"], features, atol=rounding(terms=40))


def test_block_averages_with_torch_agree() -> None:
    for problem in (seismic_problem((2, 7, 5), (8, 8)), em_problem((2, 6, 5), (8, 8))):
        raw = np.random.default_rng(0).normal(size=(3, *problem.measurement_shape)).astype(np.float32)
        for limit in (1, 24, 10**6):
            found = block_averages_on("cpu", raw, problem, limit)
            assert found.dtype == torch.float32
            np.testing.assert_allclose(found, block_averages(raw, problem, limit), atol=rounding(35), rtol=rounding(35))


def test_mean_map_is_the_mean(salt: Dataset, context: RunContext) -> None:
    method = MeanMap(salt.problem, NoOptions(), context)
    train = salt.split("random", "train")
    method.fit(train, salt.split("random", "val"))
    predicted = method.predict(np.zeros((2, 5, 600, 60), np.float32))
    assert_within_range(predicted[1], train.properties[:].mean(0), salt.problem.property, ROUNDED)


def test_nearest_neighbour_returns_training_maps_for_training_data(salt: Dataset, context: RunContext) -> None:
    method = NearestNeighbour(salt.problem, FeatureOptions(), context)
    train = salt.split("random", "train")
    method.fit(train, salt.split("random", "val"))
    np.testing.assert_array_equal(method.predict(train.measurements[:]), train.properties[:])


def test_block_averages_of_known_values() -> None:
    problem = seismic_problem((2, 7, 5), (8, 8))
    assert block_sizes(problem.measurement_shape, 24) == (2, 2)
    raw = np.random.default_rng(0).normal(size=(3, 2, 7, 5)).astype(np.float32)
    normalised = problem.amplitude.normalise(raw, np)
    features = block_averages(raw, problem, 24).reshape(3, 2, 4, 3)
    # normalised values lie in [-1, 1]
    np.testing.assert_allclose(features[:, :, 0, 0], normalised[:, :, :2, :2].mean((2, 3)), atol=rounding(terms=4))
    np.testing.assert_allclose(features[:, :, 3, 2], normalised[:, :, 6, 4], atol=rounding())
    assert block_averages(raw, problem, 10**6).shape == (3, 70)


@pytest.mark.parametrize("kernel", ["exponential", "matern", "gaussian"])
def test_kernel_ridge_is_the_mean_of_a_gaussian_process(kernel: Any, salt: Dataset, context: RunContext) -> None:
    train, val, test = (salt.split("random", part) for part in ("train", "val", "test"))
    length, alpha, limit = 0.7, 1e-3, 200
    options = KernelRidgeOptions(kernel=kernel, length=length, alpha=alpha, features=limit)
    method = KernelRidge(salt.problem, options, context)
    method.fit(train, val)
    u = split_features(train, salt.problem, limit).astype(np.float64)
    median = np.median([np.linalg.norm(a - b) for a, b in itertools.combinations(u, 2)])
    smoothness = {"exponential": 0.5, "matern": 1.5, "gaussian": np.inf}[kernel]
    process = GaussianProcessRegressor(Matern(length * median, nu=smoothness), alpha=alpha, optimizer=None)
    maps = train.properties[:].reshape(len(train), -1)
    process.fit(u, maps - maps.mean(0))
    mean = process.predict(split_features(test, salt.problem, limit)) + maps.mean(0)
    bounds = salt.problem.property
    expected = mean.clip(bounds.low, bounds.high).reshape(-1, 1, 40, 60)
    # the matrix has at most n on its diagonal, and no eigenvalue below the penalty
    tolerance = rounding(len(train), condition=len(train) / alpha, dtype=np.float64) + rounding(limit)
    assert_within_range(method.predict(test.measurements[:]), expected, bounds, max(tolerance, ROUNDED))


def test_kernel_ridge_chooses_length_and_penalty_on_val(salt: Dataset, context: RunContext) -> None:
    train, val = salt.split("random", "train"), salt.split("random", "val")
    truth, errors = val.properties[:], {}
    for length, alpha in [("val", "val"), *itertools.product(LENGTHS[::3], ALPHAS[::4])]:
        options = KernelRidgeOptions(length=length, alpha=alpha, features=200)
        method = KernelRidge(salt.problem, options, context)
        method.fit(train, val)
        maps = method.predict(val.measurements[:])
        errors[length, alpha] = float(np.abs(maps - truth).mean())
    # the choice compares maps that are not clipped to the bounds
    assert errors["val", "val"] <= 1.05 * min(errors.values())


def test_kernel_ridge_uses_no_more_than_the_largest_number_of_samples(salt: Dataset, context: RunContext) -> None:
    train, val = salt.split("random", "train"), salt.split("random", "val")
    method = KernelRidge(salt.problem, KernelRidgeOptions(largest=5, features=50), context)
    method.fit(train, val)
    assert len(method.fitted["weights"]) == 5
    assert "fitted to 5 of 14 train samples, evenly spaced: option largest" in method.notes()
    few = KernelRidge(salt.problem, KernelRidgeOptions(features=50), context)
    few.fit(train.spread(5), val)
    np.testing.assert_array_equal(few.predict(val.measurements[:]), method.predict(val.measurements[:]))
    assert not any("largest" in note for note in few.notes())


def test_costs_count_what_the_ridges_compare() -> None:
    assert len(pixel_ridge.ALPHAS) == costs.ALPHAS
    assert (len(LENGTHS), len(ALPHAS)) == (costs.LENGTHS, costs.KERNEL_ALPHAS)
    assert kernel_ridge.NODES == costs.COMPARED_NODES
