"""Checks that every metric must pass, on tiny problems."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fwibench.specs.metric import MetricSpec
from fwibench.testing.checks import as_checks, require
from fwibench.testing.problems import PROBLEMS, SIZES, tiny_data, tiny_maps
from fwibench.testing.specs import entry_module_is_light
from fwibench.typing import Array32

ROUNDING = 1e-5
"""Largest absolute and relative difference of equal scores."""
SPREAD = 1e-3
"""Largest distance of samples from the predicted map, as a fraction of the range of the property."""
LEVELS = np.linspace(-1, 1, 21, dtype=np.float32).reshape(-1, 1, 1, 1, 1)
"""Distances of samples from the predicted map, over the largest one."""


class MetricSubject:
    """A metric under test.

    Args:
        spec: Spec of the metric.
        entry: Name of the module with the plugin's hooks; empty if no plugin offers the metric.
    """

    def __init__(self, spec: MetricSpec, entry: str = "") -> None:
        self.spec, self.entry = spec, entry

    @cached_property
    def maps(self) -> Array32:
        """True maps `(n, 1, Z, X)`; in reverse order they serve as predictions."""
        return tiny_maps("seismic")[-SIZES["test"] :]

    @property
    def truth(self) -> Array32:
        """Reference of the predictions: true maps, or simulated measurements for a metric that compares them."""
        return self.maps if self.spec.compares == "property" else tiny_data("seismic").test.measurements[:]

    def predict(self, maps: Array32, spread: float = SPREAD) -> Array32:
        """Return what the metric scores: a copy of the maps, or samples `(m, n, 1, Z, X)` about them.

        Args:
            maps: Predicted maps `(n, 1, Z, X)`.
            spread: Largest distance of a sample from the map, as a fraction of the range of the property.
        """
        if self.spec.scores == "prediction":
            return maps.copy()
        bounds = PROBLEMS["seismic"].property
        return maps + np.float32(spread * (bounds.high - bounds.low)) * LEVELS

    def score(self, prediction: Array32, truth: Array32) -> NDArray[Any]:
        """Return the scores `(n,)` of predictions; raises `NonconformityError` for another shape."""
        found = np.asarray(self.spec.load()(prediction, truth, PROBLEMS["seismic"]))
        require(found.shape == (len(truth),), f"scores have shape {found.shape}, expected ({len(truth)},)")
        return found

    def order(self, scores: NDArray[Any]) -> NDArray[Any]:
        """Return numbers that are the lower the better the scores are."""
        spec = self.spec
        return np.abs(scores - spec.best) if spec.best is not None else scores if spec.better == "low" else -scores


def scores_are_one_a_sample(subject: MetricSubject) -> None:
    """There is one finite score per sample, which depends on that sample alone."""
    maps, truth = subject.maps[::-1], subject.truth
    whole = subject.score(subject.predict(maps), truth)
    require(np.isfinite(whole).all(), "scores of finite maps are not finite")
    rows = [slice(i, i + 1) for i in range(len(truth))]
    alone = np.concatenate([subject.score(subject.predict(maps[row]), truth[row]) for row in rows])
    require(np.allclose(alone, whole, rtol=ROUNDING, atol=ROUNDING), "a sample that is scored alone has another score")


def nothing_beats_the_truth(subject: MetricSubject) -> None:
    """The true maps, or samples close to them, score better than others that spread more, in the declared direction."""
    best = subject.order(subject.score(subject.predict(subject.maps), subject.truth))
    other = subject.order(subject.score(subject.predict(subject.maps[::-1], 2 * SPREAD), subject.truth))
    # the middle sample of an odd number is its own mirror image
    middle = len(best) // 2
    require(
        np.delete(best < other, middle).all(),
        f"another map scores as well as the true map, where {subject.spec.direction}",
    )


def maps_are_left_alone(subject: MetricSubject) -> None:
    """Predictions and true maps are not changed."""
    prediction, truth = subject.predict(subject.maps[::-1]), subject.truth.copy()
    before = prediction.copy(), truth.copy()
    subject.score(prediction, truth)
    require(np.array_equal(prediction, before[0]) and np.array_equal(truth, before[1]), "the metric changed its inputs")


METRIC_CHECKS = as_checks(entry_module_is_light, scores_are_one_a_sample, nothing_beats_the_truth, maps_are_left_alone)
