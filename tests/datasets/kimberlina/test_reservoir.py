from pathlib import Path

import numpy as np
import pytest

from fwibench.datasets.base import Dataset
from fwibench.datasets.kimberlina.reservoir import PROBLEM, SIZES
from fwibench.datasets.kimberlina.reservoir_geology import (
    COLUMN,
    RESERVOIR,
    draw_column,
    draw_plume,
    draw_section,
    draw_site,
    stratigraphic_depth,
)
from fwibench.plugins.registry import Registry
from fwibench.runs.opening.datasets import open_dataset

BOUNDS = PROBLEM.property.low, PROBLEM.property.high


@pytest.fixture
def reservoir(registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    """The smoke profile, not prepared."""
    monkeypatch.setenv("FWIBENCH_DATA", str(tmp_path))
    return open_dataset(registry, "kimberlina-reservoir", "smoke")


def test_problem_matches_paper() -> None:
    assert PROBLEM.measurement_shape == (2, 16, 61)
    assert PROBLEM.property_shape == (1, 351, 601)
    steps = np.diff(np.log(PROBLEM.survey.frequencies))
    np.testing.assert_allclose(steps, np.log(80) / 7, rtol=0.01)


@pytest.mark.parametrize("profile", SIZES)
def test_splits_are_disjoint_and_complete(registry: Registry, profile: str) -> None:
    dataset = open_dataset(registry, "kimberlina-reservoir", profile)
    parts = dataset.indices("random")
    n, n_val, n_test = SIZES[profile]
    assert [len(part) for part in parts.values()] == [n - n_val - n_test, n_val, n_test]
    assert sorted(np.concatenate([*parts.values()])) == list(range(n))


def test_sample_depends_on_number_only_and_fits_scale(reservoir: Dataset) -> None:
    before, together = reservoir.maps(range(6, 8))
    measurement, alone = next(iter(reservoir.samples(range(7, 8))))
    np.testing.assert_array_equal(together, alone)
    assert not np.array_equal(before, together)
    largest = np.abs(PROBLEM.amplitude.normalise(measurement, np)).max(axis=(0, 2))
    assert (largest < 1).all()
    assert (largest > 0.1).all(), "with one scale for all, the last frequency would stay below 0.1"
    assert (np.abs(measurement).max(axis=(0, 2))[-2:] < 0.1 * np.abs(measurement).max()).all()


def test_sections_stay_within_bounds_and_formations() -> None:
    shape = (88, 151)
    sites = [draw_site(np.random.default_rng(k), shape, 40.0) for k in range(6)]
    sections = [draw_section(np.random.default_rng(k), site, shape, 40.0, BOUNDS) for site in sites for k in range(2)]
    values = np.stack(sections)
    assert values.min() >= BOUNDS[0]
    assert values.max() <= BOUNDS[1]
    # nothing is cut off but CO2 at the lower bound
    assert (values == BOUNDS[0]).mean() < 0.01
    assert (values == BOUNDS[1]).mean() < 1e-3
    assert 0.12 < values.mean() < 0.3
    for formation in (COLUMN[0], COLUMN[-1]):
        row = 2 if formation is COLUMN[0] else -1
        assert 0.5 < np.median(values[:, row, -10:]) / formation.conductivity < 2


def test_reservoir_dips_past_sources() -> None:
    """The sand is within some hundred metres of both of them, and rises towards large x."""
    for seed in range(12):
        rng = np.random.default_rng(seed)
        site = draw_site(rng, PROBLEM.grid.shape, PROBLEM.grid.spacing)
        _, sand = draw_column(rng, site)
        level = stratigraphic_depth(rng, site, PROBLEM.grid.shape, PROBLEM.grid.spacing)
        top = [10.0 * int(np.argmax(level[:, round(s.x / 10)] >= sand.top)) for s in PROBLEM.survey.sources]
        assert 1700 < top[1] < top[0] < 3500
        assert 0.5 * COLUMN[RESERVOIR].thickness < sand.thickness < 2 * COLUMN[RESERVOIR].thickness


def test_plume_stays_in_reservoir() -> None:
    height = np.broadcast_to(np.linspace(-1, 2, 121)[:, None], (121, 601))
    covered = []
    for seed in range(12):
        gas = draw_plume(np.random.default_rng(seed), height, 10.0)
        assert gas.min() >= 0
        assert 0.2 < gas.max() <= 0.9
        assert not gas[(height < -0.05) | (height > 1.7)].any()
        covered.append((gas > 0.1).mean())
    assert max(covered) > 3 * min(covered), "plumes differ in size"


@pytest.mark.slow
def test_weak_rows_are_compared(reservoir: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    reservoir.prepare()
    stored = reservoir.folder / "data0.npy"
    data = np.load(stored)
    assert all(one.residual < 1e-4 for one in reservoir.check_physics(2))
    data[0, :, -2:] *= 1.1
    np.save(stored, data)
    first, last = reservoir.check_physics(2)
    assert first.residual == pytest.approx(0.1 * (2 / 16) ** 0.5, rel=0.2)
    assert last.residual < 1e-4


def test_sections_share_site_and_differ_most_in_reservoir(reservoir: Dataset) -> None:
    sections = np.stack([section[0] for section in reservoir.maps(range(8))])
    mean = sections.mean(0)
    away = np.abs(sections - mean).mean()
    contrast = np.abs(mean - mean.mean()).mean()
    assert away < 0.3 * contrast, "the same layers"
    spread = sections.std(0).mean(1)
    deepest = 10 * int(spread.argmax())
    assert 1700 < deepest < 3500, "where the reservoir and its plume lie"
