"""The numbers of published maps are those of the maps, where these are at hand."""

from pathlib import Path

import numpy as np
import pytest

from fwibench.datasets.marmousi.spec import MARMOUSI2
from fwibench.datasets.openfwi.spec import CURVEFAULT, FLATVEL_A
from fwibench.datasets.statistics import MapStatistics, describe_maps, least_step
from fwibench.plugins.registry import Registry
from fwibench.runs.opening.datasets import open_dataset
from fwibench.specs.dataset import PublishedMaps


def assert_like(found: MapStatistics, published: PublishedMaps, share: float) -> None:
    for name in ("mean", "deviation", "layers", "median_jump", "gradients"):
        assert getattr(found, name) == pytest.approx(getattr(published, name), rel=share), name


def test_recorded_statistics_of_curve_fault_match_map(real_data: Path) -> None:
    found = describe_maps(np.load(real_data / "pair_openfwi_cf0_vel.npy"), step=1.0)
    assert_like(found, CURVEFAULT, 1e-3)


def test_recorded_statistics_of_marmousi_match_windows(registry: Registry, real_data: Path) -> None:
    dataset = open_dataset(registry, "marmousi", "quick", {"path": str(real_data / "marmousi2_vp_10m.npy")})
    assert dataset.size == MARMOUSI2.count
    bounds = dataset.problem.property
    windows = np.stack([dataset.adapt(dataset.originals[i]) for i in range(dataset.size)])
    assert_like(describe_maps(windows, step=least_step(bounds.low, bounds.high)), MARMOUSI2, 1e-3)


def test_other_published_flat_maps_have_recorded_statistics(real_data: Path) -> None:
    found = describe_maps(np.load(real_data / "openfwi_flatvel_a_vel_100.npy"), step=1.0)
    assert_like(found, FLATVEL_A, 0.15)
