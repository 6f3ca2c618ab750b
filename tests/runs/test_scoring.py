import numpy as np
import pytest

from fwibench.datasets.base import Dataset
from fwibench.plugins.registry import Registry
from fwibench.runs.opening.datasets import open_dataset
from fwibench.runs.opening.methods import rows_at_once
from fwibench.runs.scoring.score import score


def test_portions_do_not_change_scores(salt: Dataset, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    test = salt.split("random", "test")
    prediction = test.properties[:] + np.float32(100)

    def scores() -> dict[str, np.ndarray]:
        found, notes = score(prediction, test, ["mae", "ssim", "data-misfit"], registry, salt.problem)
        assert not notes
        return found.values

    assert rows_at_once(salt.problem) > len(test)
    whole = scores()
    monkeypatch.setattr("fwibench.runs.opening.methods.CHUNK_BYTES", 1)
    assert rows_at_once(salt.problem) == 1
    for name, values in scores().items():
        np.testing.assert_array_equal(values, whole[name])


def test_maps_count_where_they_are_larger_than_measurements(registry: Registry) -> None:
    problem = open_dataset(registry, "kimberlina-reservoir", "quick").problem
    size = 4 * np.prod(problem.property_shape)
    assert size > 4 * np.prod(problem.measurement_shape)
    assert rows_at_once(problem) * size <= 2**26
