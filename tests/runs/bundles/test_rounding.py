import numpy as np
import pytest

from fwibench.datasets.base import Dataset
from fwibench.metrics import pointwise, ssim
from fwibench.runs.bundles.rounding import STEPS, decode, encode, largest_rounding

RNG = np.random.default_rng(0)
MAPS = {
    "velocities": RNG.uniform(1500, 4500, (4, 1, 40, 60)),
    "conductivities": RNG.uniform(1e-3, 0.5, (4, 1, 20, 30)),
    "an outlier": np.concatenate([RNG.uniform(1500, 4500, (3, 1, 8, 8)), np.full((1, 1, 8, 8), -1e6)]),
    "one value": np.full((2, 1, 8, 8), 1234.5),
    "neighbouring values": np.float32(4500) + np.arange(64).reshape(1, 1, 8, 8) * np.spacing(np.float32(4500)),
}


@pytest.mark.parametrize("maps", MAPS.values(), ids=MAPS)
def test_rounding_is_within_its_bound_and_extremes_are_exact(maps: np.ndarray) -> None:
    maps = maps.astype(np.float32)
    codes, offset, scale = encode(maps)
    rounded = decode(codes, offset, scale)
    assert (codes.dtype, rounded.dtype, rounded.shape) == (np.uint16, np.float32, maps.shape)
    assert (np.abs(rounded.astype(np.float64) - maps) <= largest_rounding(rounded, scale)).all()
    assert (rounded.min(), rounded.max()) == (maps.min(), maps.max())
    assert scale == (float(np.ptp(maps.astype(np.float64))) / STEPS or 1.0)


def test_scores_of_rounded_velocities_keep_four_digits(salt: Dataset) -> None:
    truth = salt.split("random", "test").properties[:]
    maps = (truth + RNG.normal(0, 100, truth.shape)).clip(1500, 4500).astype(np.float32)
    rounded = decode(*encode(maps))
    for metric in (pointwise.mae, pointwise.rmse, ssim.ssim):
        before, after = (metric(one, truth, salt.problem) for one in (maps, rounded))
        np.testing.assert_allclose(after, before, rtol=5e-5)


def test_values_beyond_float32_become_infinite_without_a_warning() -> None:
    assert np.isinf(decode(np.full((1, 1, 2, 2), 9, np.uint16), 0.0, 1e300)).all()
