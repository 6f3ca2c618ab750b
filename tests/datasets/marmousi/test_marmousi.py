from pathlib import Path

import numpy as np
import pytest

from fwibench.datasets.base import Dataset
from fwibench.datasets.marmousi.dataset import PROBLEM, marmousi_map
from fwibench.plugins.registry import Registry
from fwibench.runs.opening.datasets import open_dataset
from fwibench.seeds import derive_seed


@pytest.fixture(scope="module")
def marmousi(registry: Registry) -> Dataset:
    dataset = open_dataset(registry, "marmousi", "smoke")
    dataset.prepare()
    return dataset


@pytest.fixture(scope="module")
def maps() -> np.ndarray:
    return np.concatenate([marmousi_map(i) for i in range(300)])


def contrasts(maps: np.ndarray) -> dict[str, float]:
    """What tells layered, folded sections from others: velocities, and how they change down and along."""
    down, along = (np.abs(np.diff(maps, axis=axis)) for axis in (1, 2))
    anomaly = maps - maps.mean((1, 2), keepdims=True)
    correlation = [(anomaly[:, lag:] * anomaly[:, : 70 - lag]).mean() / (anomaly**2).mean() for lag in range(30)]
    return {
        "median": float(np.median(maps)),
        "within a map": float(maps.std((1, 2)).mean()),
        "between maps": float(maps.mean((1, 2)).std()),
        "step down": float(down.mean()),
        "share of interfaces": float((down > 100).mean()),
        "correlated down": float(np.argmax(np.array(correlation) < 0.5)),
        "down to along": float(down.mean() / along.mean()),
    }


def test_shapes_bounds_and_scale(marmousi: Dataset) -> None:
    train = marmousi.split("random", "train")
    assert train.measurements.shape == (14, 5, 1000, 70)
    assert train.properties.shape == (14, 1, 70, 70)
    scaled = PROBLEM.amplitude.normalise(train.measurements[:], np)
    assert np.abs(scaled).max() <= 1
    assert scaled.max() - scaled.min() > 1.5
    np.testing.assert_array_equal(train.properties[3][0], marmousi_map(int(train.ids[3].rsplit("-", 1)[1]))[0])


def test_profiles_have_sizes_of_paper_and_share_store(marmousi: Dataset, registry: Registry) -> None:
    larger = {profile: open_dataset(registry, "marmousi", profile) for profile in ("quick", "paper")}
    sizes = {name: [len(part) for part in each.indices("random").values()] for name, each in larger.items()}
    assert sizes == {"quick": [800, 100, 100], "paper": [24_000, 3_000, 3_000]}
    assert {each.store.folder for each in larger.values()} == {marmousi.store.folder}


def test_maps_stay_within_bounds_and_differ(maps: np.ndarray) -> None:
    assert maps.min() >= PROBLEM.property.low
    assert maps.max() <= PROBLEM.property.high
    assert len(np.unique(maps.mean((1, 2)))) == len(maps)


def test_map_depends_on_seed_and_number_only(monkeypatch: pytest.MonkeyPatch) -> None:
    later, earlier = marmousi_map(5), marmousi_map(2)
    np.testing.assert_array_equal(marmousi_map(2), earlier)
    np.testing.assert_array_equal(marmousi_map(5), later)
    seen: list[tuple[object, ...]] = []

    def spy(*parts: object) -> int:
        seen.append(parts)
        return derive_seed(*parts)

    monkeypatch.setattr("fwibench.datasets.marmousi.dataset.derive_seed", spy)
    marmousi_map(5)
    assert seen == [("marmousi", 2022, 5)]


def test_velocity_grows_with_depth_in_flat_layers(maps: np.ndarray) -> None:
    profile = maps.mean((0, 2))
    assert np.corrcoef(profile, np.arange(70))[0, 1] > 0.95
    assert 0.5 < (profile[-1] - profile[0]) / 690 < 1.6, "m/s per m"
    assert contrasts(maps)["down to along"] > 2


def test_contrasts_match_marmousi(maps: np.ndarray, real_data: Path) -> None:
    from scipy.ndimage import gaussian_filter

    # below the water; smoothed by one node, as low resolution has it
    model = gaussian_filter(np.load(real_data / "marmousi2_vp_10m.npy")[46:].astype(float), 1)
    rng = np.random.default_rng(0)
    corners = zip(rng.integers(0, model.shape[0] - 70, 300), rng.integers(0, model.shape[1] - 70, 300), strict=True)
    real = contrasts(np.stack([model[z : z + 70, x : x + 70] for z, x in corners]))
    ours = contrasts(maps)
    for name in ("median", "within a map", "between maps", "step down", "share of interfaces", "correlated down"):
        assert ours[name] == pytest.approx(real[name], rel=0.25), name


def test_real_model_is_cropped(registry: Registry, real_data: Path) -> None:
    dataset = open_dataset(registry, "marmousi", "smoke", {"path": str(real_data / "marmousi2_vp_10m.npy")})
    assert dataset.source == "files"
    assert [len(part) for part in dataset.indices("random").values()] == [16, 2, 2]
    crops = np.stack(dataset._made(range(20)))
    assert crops.shape == (20, 1, 70, 70)
    assert crops.min() >= 1500
    assert np.median(crops[:, :, 60:]) > np.median(crops[:, :, :10])
    assert dataset.identity != open_dataset(registry, "marmousi", "smoke").identity
    assert dataset.groups("random", dataset.indices("random")["test"]) == ("columns-of-test",) * 2
