"""Samples of predictions in files."""

from pathlib import Path

import numpy as np
import pytest

from fwibench.errors import DataError, DivergedError
from fwibench.problem import Property
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.samples import hold_samples, pack_samples, read_samples, write_samples

BOUNDS = Property(name="velocity", unit="m/s", low=1500.0, high=4500.0)
RNG = np.random.default_rng(0)
MAPS = RNG.uniform(1500, 4500, (5, 1, 6, 7)).astype(np.float32)
SAMPLES = MAPS + RNG.normal(0, 100, (4, 5, 1, 6, 7)).astype(np.float32)
PARTS = [SAMPLES[:, :3], SAMPLES[:, 3:]]


def test_samples_are_rounded_by_a_share_of_their_distance_from_the_prediction(tmp_path: Path) -> None:
    write_samples(pack_samples(PARTS, MAPS, BOUNDS), len(MAPS), tmp_path)
    found = read_samples(tmp_path, MAPS, BOUNDS)
    assert found is not None
    assert found.count == 4
    distance = np.abs(SAMPLES.astype(float) - MAPS)
    # half of the last of eleven binary digits, and the rounding of float32 maps
    assert (np.abs(found[:].astype(float) - SAMPLES) <= distance / 2048 + 4500 * 2.0**-22).all()
    np.testing.assert_allclose(found.deviation([4, 1]), SAMPLES[:, [4, 1]].std(axis=0), rtol=1e-3)
    np.testing.assert_array_equal(found[2:4], found[:][:, 2:4])
    assert RunFiles(tmp_path).samples.stat().st_size == 2 * SAMPLES.size + 128
    held = hold_samples(PARTS, MAPS, BOUNDS)
    assert held is not None
    np.testing.assert_array_equal(held[:], found[:])


def test_method_without_samples_leaves_no_file(tmp_path: Path) -> None:
    write_samples(pack_samples([], MAPS, BOUNDS), len(MAPS), tmp_path)
    assert not list(tmp_path.iterdir())
    assert read_samples(tmp_path, MAPS, BOUNDS) is None
    assert hold_samples([], MAPS, BOUNDS) is None


def test_sample_beyond_the_stored_range_raises() -> None:
    far = SAMPLES.copy()
    far[0, 1, 0, 0, 0] = 1e9
    with pytest.raises(DivergedError, match="samples of 1 predictions"):
        list(pack_samples([far], MAPS, BOUNDS))


@pytest.mark.parametrize(
    "content",
    [SAMPLES.astype(np.float16), np.zeros((4, 4, 1, 6, 7), np.float16), np.moveaxis(SAMPLES, 0, 1)],
    ids=["other order", "fewer predictions", "float32"],
)
def test_samples_of_other_predictions_raise(content: np.ndarray, tmp_path: Path) -> None:
    np.save(RunFiles(tmp_path).samples, content)
    with pytest.raises(DataError, match="the predictions are"):
        read_samples(tmp_path, MAPS, BOUNDS)


def test_shortened_file_raises(tmp_path: Path) -> None:
    write_samples(pack_samples(PARTS, MAPS, BOUNDS), len(MAPS), tmp_path)
    path = RunFiles(tmp_path).samples
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match="the file has 1679"):
        read_samples(tmp_path, MAPS, BOUNDS)
