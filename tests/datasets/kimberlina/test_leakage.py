from pathlib import Path

import numpy as np
import pytest

from fwibench.datasets.base import Dataset
from fwibench.datasets.kimberlina.leakage import (
    DECADES,
    PROBLEM,
    KimberlinaLeakage,
    leakage_map,
    scenario_and_decade,
)
from fwibench.errors import DataError
from fwibench.plugins.registry import Registry
from fwibench.runs.opening.datasets import open_dataset

GROWTH = (0, 3, 7, 12, 19)


@pytest.fixture(scope="module")
def scenario() -> np.ndarray:
    return np.concatenate([leakage_map(4, decade) for decade in GROWTH])


def test_sample_is_one_decade_of_one_scenario() -> None:
    seen = [scenario_and_decade(i) for i in range(35 * DECADES)]
    assert sorted(seen) == [(scenario, decade) for scenario in range(35) for decade in range(DECADES)]
    assert sorted({scenario_and_decade(i) for i in range(14)}) == [(s, d) for s in range(7) for d in (9, 19)]


@pytest.mark.parametrize("profile", ["smoke", "quick", "paper"])
def test_scenario_is_in_one_split(registry: Registry, profile: str) -> None:
    dataset = open_dataset(registry, "kimberlina-leakage", profile)
    parts = dataset.indices("scenario")
    scenarios = {name: {scenario_and_decade(int(i))[0] for i in part} for name, part in parts.items()}
    counts = {name: len(chosen) for name, chosen in scenarios.items()}
    assert len(set.union(*scenarios.values())) == sum(counts.values())
    assert sum(map(len, parts.values())) == dataset.size == len(np.unique(np.concatenate(list(parts.values()))))
    sizes = {"smoke": (5, 1, 1), "quick": (23, 4, 8), "paper": (727, 80, 166)}
    assert tuple(counts.values()) == sizes[profile]


def test_decades_of_one_scenario_are_a_group(registry: Registry) -> None:
    dataset = open_dataset(registry, "kimberlina-leakage", "quick")
    test = dataset.indices("scenario")["test"]
    groups = dataset.groups("scenario", test)
    assert groups == tuple(f"scenario-{scenario_and_decade(int(number))[0]}" for number in test)
    assert (len(groups), len(set(groups))) == (160, 8)
    assert dataset.groups("scenario", test[::32]) == groups[::32]


def test_plume_starts_empty_and_only_grows(scenario: np.ndarray) -> None:
    changed = [(scenario[0] - later > 20).mean() for later in scenario]
    assert changed[0] == 0
    assert changed[1] < changed[2] < changed[3] < changed[4] < 0.2
    assert (np.diff(scenario, axis=0) < 1e-3).all(), "CO2 never makes the ground faster"


def test_co2_reduces_velocity_by_some_hundred_metres_per_second() -> None:
    drops = [float((leakage_map(scenario, 0) - leakage_map(scenario, 19)).max()) for scenario in range(12)]
    assert all(100 < drop < 600 for drop in drops)


def test_part_of_every_leak_is_within_record() -> None:
    for scenario in range(12):
        loss = (leakage_map(scenario, 0) - leakage_map(scenario, 19))[0]
        assert (loss[:130] > 50).any(), "above 1.3 km, whence echoes return within 1 s"


def test_scenarios_share_site_and_differ_in_leaks() -> None:
    before = np.concatenate([leakage_map(scenario, 0) for scenario in range(8)])
    after = np.concatenate([leakage_map(scenario, 19) for scenario in range(8)])
    assert 2 < np.abs(before - before.mean(0)).mean() < 15, "m/s, of scenarios around the site"
    plumes = (before - after) > 50
    overlap = [(plumes[a] & plumes[b]).sum() / (plumes[a] | plumes[b]).sum() for a in range(8) for b in range(a)]
    assert np.median(overlap) < 0.5


@pytest.mark.slow
def test_smoke_is_prepared_and_scaled(registry: Registry) -> None:
    dataset = open_dataset(registry, "kimberlina-leakage", "smoke")
    assert isinstance(dataset, KimberlinaLeakage)
    dataset.prepare()
    test = dataset.split("scenario", "test")
    assert test.measurements.shape == (2, 9, 1251, 101)
    assert test.properties.shape == (2, 1, 401, 141)
    scaled = PROBLEM.amplitude.normalise(test.measurements[:], np)
    assert np.abs(scaled).max() <= 1
    assert scaled.max() - scaled.min() > 1.5


def test_profiles_share_store(registry: Registry) -> None:
    each: list[Dataset] = [open_dataset(registry, "kimberlina-leakage", name) for name in ("smoke", "quick", "paper")]
    assert len({dataset.store.folder for dataset in each}) == 1
    assert [dataset.size for dataset in each] == [14, 700, 19_460]


def test_original_files_are_transposed_and_split_by_scenario(registry: Registry, tmp_path: Path) -> None:
    """OpenFWI's Kimberlina-CO2 has x first, and names scenario and time in its files."""
    for scenario in (3, 12, 40, 41):
        for time in (0, 10, 20):
            section = np.full((401, 141), 2000.0 + scenario, np.float32)
            section[:, :20] = 1600.0
            np.savez(tmp_path / f"label_sim{scenario:04d}_t{time}.npz", label=section)
    dataset = open_dataset(registry, "kimberlina-leakage", "smoke", {"path": str(tmp_path)})
    assert dataset.source == "files"
    assert dataset.problem.property_shape == (1, 141, 401)
    assert dataset.problem.measurement_shape == (9, 1251, 101)
    assert dataset.size == 12
    scenarios = {name: set(rows // 3) for name, rows in dataset.indices("scenario").items()}
    assert [len(part) for part in scenarios.values()] == [2, 1, 1]
    assert set.union(*scenarios.values()) == {0, 1, 2, 3}
    (velocity,) = dataset._made(range(4, 5))
    assert velocity.shape == (1, 141, 401)
    assert (velocity[0, :20] == 1600).all()
    assert (velocity[0, 20:] == 2012).all()


def test_files_without_scenario_among_others_raise(registry: Registry, tmp_path: Path) -> None:
    """Counting would put decades of one scenario on both sides of the split."""
    for name in ("label_sim1_t10", "label_sim2_t10", "label_sim3_t10", "label_last"):
        np.savez(tmp_path / f"{name}.npz", label=np.full((401, 141), 2000, np.float32))
    dataset = open_dataset(registry, "kimberlina-leakage", "smoke", {"path": str(tmp_path)})
    with pytest.raises(DataError, match=r"label_last.npz has no scenario in its name, 3 of 4 files have one"):
        dataset.indices("scenario")
