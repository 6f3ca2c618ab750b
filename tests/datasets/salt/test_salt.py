import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from fwibench.datasets.base import Dataset
from fwibench.datasets.salt.dataset import PROBLEM, _volume
from fwibench.datasets.statistics import describe_maps
from fwibench.errors import DataError, UnknownNameError, UsageError
from fwibench.plugins.registry import Registry
from fwibench.runs.opening.datasets import open_dataset
from tests.tolerances import assert_same_signal, rounding


def test_shapes_bounds_and_ids(salt: Dataset) -> None:
    train = salt.split("random", "train")
    assert train.measurements.shape == (14, 5, 600, 60)
    assert train.properties.shape == (14, 1, 40, 60)
    maps = train.properties[:]
    assert maps.min() >= 1500
    assert maps.max() <= 4500
    assert maps.max() > 4400, "there is salt"
    assert np.isfinite(train.measurements[:]).all()
    assert train.ids[0].startswith("salt-0000")


def test_sample_does_not_depend_on_number_of_samples(salt: Dataset) -> None:
    stored = salt.store.folder
    measurement, velocity = next(iter(salt.samples(range(7, 8))))
    np.testing.assert_array_equal(np.load(stored / "model0.npy")[7], velocity)
    assert_same_signal(np.load(stored / "data0.npy")[7], measurement, rounding(terms=600))


def test_a_held_out_block_is_one_group_and_random_slices_are_not_grouped(salt: Dataset) -> None:
    parts = {name: salt.split("block", name) for name in ("train", "val", "test")}
    assert [len(set(parts[name].groups)) for name in ("val", "test")] == [1, 1]
    assert len({group for part in parts.values() for group in part.groups}) == len(set(parts["train"].groups)) + 2
    assert parts["test"].spread(2).groups == parts["test"].groups[:2]
    assert salt.split("random", "test").groups == ()


def test_neighbouring_slices_are_similar_and_volumes_differ() -> None:
    volume, other = _volume(0), _volume(1)
    step = np.abs(np.diff(volume, axis=0)).mean()
    assert step < 0.2 * np.abs(volume - volume.mean(0)).mean()
    assert np.abs(volume.mean(0) - other.mean(0)).mean() > 100


def test_velocity_grows_with_depth_outside_the_salt() -> None:
    sediments = np.where(_volume(0) < 4000, _volume(0), np.nan)
    profile = np.nanmean(sediments, axis=(0, 2))
    assert profile[-1] - profile[0] > 700
    assert np.corrcoef(profile, np.arange(40))[0, 1] > 0.95


def test_amplitudes_fit_scale_of_problem(salt: Dataset) -> None:
    scaled = PROBLEM.amplitude.normalise(salt.split("random", "train").measurements[:], np)
    assert scaled.min() >= -1
    assert scaled.max() <= 1
    assert scaled.max() - scaled.min() > 1.5


def test_profiles_share_store(salt: Dataset, registry: Registry) -> None:
    quick = open_dataset(registry, "salt", "quick")
    assert quick.store.folder == salt.store.folder
    assert quick.fingerprint != salt.fingerprint
    assert 0 not in quick.store.missing(quick.size)
    sizes = {name: [len(part) for part in quick.indices(name).values()] for name in ("random", "block")}
    assert sizes == {"random": [120, 10, 10], "block": [100, 10, 10]}


def test_unknown_scheme_and_unprepared_data_raise_with_advice(
    salt: Dataset, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UnknownNameError) as wrong:
        salt.split("blok", "test")
    assert "block" in wrong.value.hint
    monkeypatch.setenv("FWIBENCH_DATA", str(tmp_path))
    with pytest.raises(DataError) as absent:
        open_dataset(registry, "salt", "smoke").split("random", "test")
    assert absent.value.hint == "fwibench data prepare salt --profile smoke"


def test_verify_finds_measurements_of_other_physics(
    salt: Dataset, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert salt.verify() == []
    monkeypatch.setenv("FWIBENCH_DATA", str(tmp_path))
    copy = open_dataset(registry, "salt", "smoke")
    shutil.copytree(salt.store.folder, copy.store.folder)
    data = np.load(copy.store.folder / "data0.npy")
    data[0] *= 1.01
    np.save(copy.store.folder / "data0.npy", data)
    assert copy.verify() == ["data0.npy is absent or was changed after it was made"]
    monkeypatch.setattr(copy.store, "damaged", list)
    assert copy.verify() == []
    first, second = copy.check_physics()[:2]
    assert first.scale == pytest.approx(1.01, abs=1e-4)
    assert first.residual == pytest.approx(0.01, abs=1e-4)
    assert second.residual < rounding(terms=600)
    maps = np.load(copy.folder / "model0.npy")
    maps[0] += 1
    np.save(copy.folder / "model0.npy", maps)
    assert copy.verify() == ["map 0 differs from a new one"]
    data[3, 0, 0, 0] = np.nan
    np.save(copy.folder / "data0.npy", data)
    assert copy.verify() == ["data0.npy holds values that are not finite"]


@pytest.mark.slow
def test_generation_resumes_after_sigkill(registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FWIBENCH_DATA", str(tmp_path))
    dataset = open_dataset(registry, "salt", "quick")
    command = [sys.executable, "-m", "fwibench", "data", "prepare", "salt"]
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    manifest = dataset.store.folder / "manifest.json"
    deadline = time.monotonic() + 60
    while not manifest.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    child.send_signal(signal.SIGKILL)
    child.wait()
    made = dataset.store.manifest().shards
    assert 0 < len(made) < 7
    dataset.prepare()
    assert dataset.prepared()
    assert {k: shard.sha256 for k, shard in dataset.store.manifest().shards.items() if k in made} == {
        k: shard.sha256 for k, shard in made.items()
    }
    assert dataset.store.damaged() == []


def test_realistic_salt_matches_published_statistics(registry: Registry) -> None:
    """SEG/EAGE slices of this size: 5 % above 4300 m/s, a deviation of 581 m/s; a tenth is allowed."""
    dataset = open_dataset(registry, "salt", "quick", {"volume": "realistic"})
    found = describe_maps(np.stack(list(dataset.maps(range(dataset.size)))), step=1.0, above=4300)
    assert found.share_above == pytest.approx(0.05, rel=0.1)
    assert found.deviation == pytest.approx(581, rel=0.1)


def test_realistic_salt_has_own_fingerprint_and_same_problem(registry: Registry) -> None:
    plain, realistic = (open_dataset(registry, "salt", "quick", options) for options in ({}, {"volume": "realistic"}))
    assert realistic.identity != plain.identity
    assert realistic.folder != plain.folder
    assert realistic.problem == plain.problem
    for scheme in plain.spec.schemes:
        for name, chosen in plain.indices(scheme).items():
            np.testing.assert_array_equal(chosen, realistic.indices(scheme)[name])
    named = open_dataset(registry, "salt", "quick", {"volume": "large"})
    assert named.fingerprint == plain.fingerprint


def test_realistic_salt_fits_scale_of_problem(registry: Registry) -> None:
    dataset = open_dataset(registry, "salt", "smoke", {"volume": "realistic"})
    measurement, velocity = next(iter(dataset.samples(range(3, 4))))
    scaled = PROBLEM.amplitude.normalise(measurement, np)
    assert scaled.min() >= -1
    assert scaled.max() <= 1
    assert velocity.min() >= 1500


def test_volume_and_path_options_exclude_each_other(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="volume=realistic concerns synthetic salt"):
        open_dataset(registry, "salt", "quick", {"volume": "realistic", "path": str(tmp_path)})
