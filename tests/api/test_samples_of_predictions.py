"""Samples of the predictions of a model that is evaluated in this process."""

from pathlib import Path

import numpy as np
import pytest

import fwibench as fb
from fwibench.datasets.base import Dataset
from tests.testing.nonconforming.methods import Good, Options, WithSamples


def test_evaluation_scores_and_stores_samples(salt: Dataset, tmp_path: Path) -> None:
    made = fb.evaluate(WithSamples, "salt", profile="smoke", options={"options": Options()})
    assert made.scores["sharpness"] == pytest.approx(60, rel=1e-3)
    # samples are 30, 60 and 90 m/s above the prediction
    np.testing.assert_allclose(made.deviation, 30 * np.sqrt(2 / 3), rtol=1e-3)
    again = fb.load_run(made.save(tmp_path))
    np.testing.assert_array_equal(again.deviation, made.deviation)
    assert again.scores == made.scores


def test_evaluation_of_a_method_without_samples_has_no_deviation(salt: Dataset) -> None:
    made = fb.evaluate(Good, "salt", profile="smoke", options={"options": Options()})
    assert made.deviation is None
    assert "crps" not in made.scores
