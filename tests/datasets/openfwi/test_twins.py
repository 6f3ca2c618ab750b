from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import ks_2samp

from fwibench.datasets.openfwi.dataset import Twin, family_problem
from fwibench.datasets.openfwi.spec import FAMILIES
from fwibench.datasets.statistics import describe_maps
from fwibench.errors import UsageError
from fwibench.physics.acoustic import simulate
from fwibench.plugins.registry import Registry
from fwibench.problem import Problem
from fwibench.runs.opening.datasets import open_dataset

PROBLEM = family_problem(FAMILIES["curvefault-a"])


def maps(registry: Registry, name: str, n: int = 100) -> np.ndarray:
    return np.stack(list(open_dataset(registry, name, "quick").maps(range(n))))[:, 0]


def layers(velocity: np.ndarray) -> np.ndarray:
    """Layers of each flat map."""
    return 1 + (np.diff(velocity[:, :, 0], axis=1) != 0).sum(1)


def test_families_are_listed_with_licence_and_caveats(registry: Registry) -> None:
    assert len(FAMILIES) == 10
    for name in FAMILIES:
        spec = registry.dataset(name).spec
        assert spec.licence.startswith("CC BY-NC-SA 4.0")
        assert any("synthetic twin" in caveat for caveat in spec.caveats)
        assert any("2.5e-3" in caveat for caveat in spec.caveats)


@pytest.mark.parametrize(
    ("name", "train", "test"), [("curvevel-b", 48, 12), ("flatfault-a", 96, 12), ("style-a", 120, 14)]
)
def test_official_splits_are_used(name: str, train: int, test: int) -> None:
    family = FAMILIES[name]
    splits = [shard.split for shard in family.shards()]
    assert (splits.count("train"), splits.count("test")) == (train, test)
    assert family.official == (500 * train, 500 * test)


def test_fault_families_hold_out_last_four_shards_of_series() -> None:
    names = {name: [s.measurements for s in FAMILIES[name].shards() if s.split == "test"] for name in FAMILIES}
    assert names["flatfault-a"] == [f"seis{k}_1_{i}.npy" for k in (2, 3, 4) for i in range(32, 36)]
    assert names["curvefault-b"] == [f"seis{k}_1_{i}.npy" for k in (6, 7, 8) for i in range(32, 36)]
    assert names["style-b"] == [f"data{i}.npy" for i in range(121, 135)]


def test_sources_and_shapes_match_openfwi() -> None:
    assert PROBLEM.measurement_shape == (5, 1000, 70)
    assert PROBLEM.property_shape == (1, 70, 70)
    columns = [source.x / PROBLEM.grid.spacing for source in PROBLEM.survey.sources]
    assert columns == list(np.round(np.linspace(0, 69, 5)))
    assert {source.z for source in PROBLEM.survey.sources} == {receiver.z for receiver in PROBLEM.survey.receivers}


def test_scaling_matches_openfwi() -> None:
    """log, then min-max with the logarithms of data_min and data_max, as in its transforms."""
    low, high = FAMILIES["curvefault-a"].low, FAMILIES["curvefault-a"].high
    raw = np.array([low, -1.0, 0.0, 3.0, high])
    ends = [np.sign(a) * np.log1p(abs(a)) for a in (low, high)]
    expected = ((np.sign(raw) * np.log1p(np.abs(raw)) - ends[0]) / (ends[1] - ends[0]) - 0.5) * 2
    np.testing.assert_allclose(PROBLEM.amplitude.normalise(raw, np), expected, atol=1e-12)


def residual(problem: Problem, real_data: Path) -> float:
    velocity = np.load(real_data / "pair_openfwi_cf0_vel.npy").astype(np.float32).reshape(1, 1, 70, 70)
    recorded = np.load(real_data / "pair_openfwi_cf0_seis.npy").reshape(5, 1000, 70)
    assert not recorded[:, -1].any(), "the last sample of a published record is zero"
    simulated = simulate(torch.from_numpy(velocity), problem)[0].numpy()
    return float(np.linalg.norm((simulated - recorded)[:, :-1]) / np.linalg.norm(recorded))


def test_published_record_is_simulated_with_scale_1(real_data: Path) -> None:
    assert residual(PROBLEM, real_data) < 4e-3, "the caveats state 2.5e-3"


def test_record_confirms_delay_and_step(real_data: Path) -> None:
    late = PROBLEM.survey.wavelet.model_copy(update={"delay": 0.073})
    survey = PROBLEM.survey.model_copy(update={"wavelet": late})
    assert residual(PROBLEM.model_copy(update={"survey": survey}), real_data) > 0.05
    fine = PROBLEM.physics.model_copy(update={"courant_number": None})
    assert residual(PROBLEM.model_copy(update={"physics": fine}), real_data) > 5e-3


def test_flat_layers_match_published_statistics(registry: Registry, real_data: Path) -> None:
    real = np.load(real_data / "openfwi_flatvel_a_vel_100.npy")[:, 0]
    twin = maps(registry, "flatvel-a", 1000)
    assert ks_2samp(real[:, ::7, 0].ravel(), twin[:, ::7, 0].ravel()).statistic < 0.08
    assert abs(layers(real).mean() - layers(twin).mean()) < 0.5
    assert set(layers(twin)) == set(layers(real)) == {3, 4, 5, 6, 7, 8}


def test_flat_faults_match_published_statistics(registry: Registry) -> None:
    """The published values are those of 1,000 maps of FlatFault-A; a tenth is allowed."""
    twin = describe_maps(maps(registry, "flatfault-a", 500), step=1.0)
    assert twin.mean == pytest.approx(2995, rel=0.1)
    assert twin.deviation == pytest.approx(864, rel=0.1)
    assert twin.layers == pytest.approx(12.2, rel=0.1)
    assert twin.median_jump == pytest.approx(54, rel=0.1)
    # beyond what was asked for: the whole distribution of vertical changes is that of the published maps
    assert twin.gradients[-1] == pytest.approx(746, rel=0.1)


def test_curved_faults_match_published_statistics(registry: Registry, real_data: Path) -> None:
    """One map, so its values must lie within the spread of the twin's single maps."""
    real = describe_maps(np.load(real_data / "pair_openfwi_cf0_vel.npy")[None], step=1.0)
    twins = [describe_maps(one[None], step=1.0) for one in maps(registry, "curvefault-a", 200)]
    for name in ("mean", "deviation", "layers", "median_jump"):
        low, high = np.quantile([getattr(one, name) for one in twins], (0.05, 0.95))
        assert low <= getattr(real, name) <= high, name


def test_velocity_beside_source_is_low_in_flat_faults(registry: Registry) -> None:
    assert maps(registry, "flatfault-a", 300)[:, 1].max() <= 3000
    assert maps(registry, "flatfault-b", 300)[:, 1].max() <= 3100


def test_families_differ_in_layers_and_faults(registry: Registry) -> None:
    drawn = {name: maps(registry, name) for name in FAMILIES}
    for name, velocity in drawn.items():
        assert velocity.min() >= 1500, name
        assert velocity.max() <= 4500, name
    flat = {name: (np.ptp(velocity, axis=2) == 0).all() for name, velocity in drawn.items()}
    assert {name for name in flat if flat[name]} == {"flatvel-a", "flatvel-b"}
    growing = {name: (np.diff(velocity, axis=1) >= 0).mean(axis=(1, 2)) for name, velocity in drawn.items()}
    for name in ("flatvel-a", "curvevel-a"):
        assert growing[name].min() == 1
    for name in ("flatvel-b", "curvevel-b"):
        assert (growing[name] < 1).mean() > 0.9
    for kind in ("flatfault", "curvefault"):
        a, b = ((np.abs(np.diff(drawn[f"{kind}-{version}"], axis=2)) > 50).mean() for version in "ab")
        assert a < b, kind
    rough = {name: np.abs(np.diff(velocity, n=2, axis=1)).mean() for name, velocity in drawn.items()}
    assert rough["style-a"] < rough["style-b"] / 3


@pytest.mark.parametrize("name", ["flatvel-b", "curvefault-b", "style-b"])
def test_samples_are_independent_and_fit_scale(registry: Registry, name: str) -> None:
    twin = open_dataset(registry, name, "smoke")
    measurement, velocity = next(twin.samples(range(5, 6)))
    np.testing.assert_array_equal(velocity, list(twin.maps(range(7)))[5])
    scaled = twin.problem.amplitude.normalise(measurement, np)
    assert -1.1 < scaled.min() < -0.7
    assert 0.7 < scaled.max() < 1.1


def test_profiles_have_sizes_and_splits(registry: Registry) -> None:
    for name, total in (("flatvel-a", 30_000), ("curvefault-a", 54_000), ("style-b", 67_000)):
        sizes = {profile: open_dataset(registry, name, profile).size for profile in ("smoke", "quick", "paper")}
        assert sizes == {"smoke": 26, "quick": 1000, "paper": total}
    parts = open_dataset(registry, "flatvel-a", "paper").indices("random")
    assert [len(part) for part in parts.values()] == [22_000, 2_000, 6_000]


@pytest.mark.parametrize("options", [{"protocol": "openfwi"}, {"test": "test.txt"}])
def test_options_of_original_files_need_path(registry: Registry, options: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="without path"):
        open_dataset(registry, "flatvel-a", "quick", options)
    assert isinstance(open_dataset(registry, "flatvel-a", "quick"), Twin)
