"""Metrics applied to predictions."""

import numpy as np
import pytest

from fwibench.datasets.base import Dataset
from fwibench.plugins.registry import Registry
from fwibench.runs.opening.methods import rows_at_once
from fwibench.runs.scoring.score import score


def test_chunk_size_does_not_change_scores(salt: Dataset, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
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
