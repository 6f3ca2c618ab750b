"""What a method may return as samples of its predictions."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from fwibench.datasets.base import Dataset
from fwibench.errors import DivergedError, MethodError
from fwibench.methods.base import check_samples
from fwibench.methods.context import RunContext
from fwibench.plugins.registry import Registry
from fwibench.runs.artefacts.samples import hold_samples
from fwibench.runs.execution.stages import draw_samples
from fwibench.runs.opening.methods import rows_at_once
from fwibench.runs.scoring.score import score
from tests.testing.nonconforming.methods import Good, Options, WithSamples

SHAPE = (3, 1, 4, 5)


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ([[1.0]], "predict_samples returned list, expected a numpy array"),
        (np.zeros((2, *SHAPE), complex), "predict_samples returned complex128, expected real numbers"),
        (np.zeros(SHAPE), "predict_samples returned shape (3, 1, 4, 5), expected ('m', 3, 1, 4, 5)"),
        (np.zeros((1, *SHAPE)), "predict_samples returned 1 samples, expected 2 to 100"),
        (np.zeros((101, *SHAPE)), "predict_samples returned 101 samples, expected 2 to 100"),
    ],
)
def test_samples_of_another_form_raise(found: Any, message: str) -> None:
    with pytest.raises(MethodError, match=re.escape(message.replace("'m'", "m"))):
        check_samples(found, SHAPE)


def test_samples_that_are_not_finite_or_of_another_number_raise() -> None:
    found = np.zeros((4, *SHAPE))
    assert check_samples(found, SHAPE, 4).dtype == np.float32
    with pytest.raises(MethodError, match="returned 4 samples, in the call before 5"):
        check_samples(found, SHAPE, 5)
    found[1, 2] = np.inf
    with pytest.raises(DivergedError, match="predict_samples returned values that are not finite"):
        check_samples(found, SHAPE)


def fitted(kind: Callable[..., Good], salt: Dataset, context: RunContext) -> Good:
    method = kind(salt.problem, Options(), context)
    method.fit(salt.split("random", "train"), salt.split("random", "val"))
    return method


def test_method_without_samples_has_no_scores_of_samples(
    salt: Dataset, context: RunContext, registry: Registry
) -> None:
    method, test = fitted(Good, salt, context), salt.split("random", "test")
    assert list(draw_samples(method, test)) == []
    scores, notes = score(method.predict(test.measurements[:]), test, ["mae", "crps"], registry, salt.problem)
    assert list(scores.values) == ["mae"]
    assert not notes


def test_samples_are_drawn_and_scored_chunk_by_chunk(
    salt: Dataset, context: RunContext, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    method, test = fitted(WithSamples, salt, context), salt.split("random", "test")
    maps = method.predict(test.measurements[:])
    names = ["crps", "coverage-90", "sharpness"]

    def scores() -> dict[str, np.ndarray]:
        samples = hold_samples(draw_samples(method, test), maps, salt.problem.property)
        return score(maps, test, names, registry, salt.problem, samples)[0].values

    whole = scores()
    assert list(whole) == names
    # samples are 30, 60 and 90 m/s above the prediction, up to the rounding of stored samples
    np.testing.assert_allclose(whole["sharpness"], 60, rtol=1e-3)
    monkeypatch.setattr("fwibench.runs.opening.methods.CHUNK_BYTES", 1)
    assert rows_at_once(salt.problem) == 1
    for name, values in scores().items():
        np.testing.assert_array_equal(values, whole[name])
