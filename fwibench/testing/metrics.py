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

    def score(self, prediction: Array32, truth: Array32) -> NDArray[Any]:
        """Return the scores `(n,)` of predictions; raises `NonconformityError` for another shape."""
        found = np.asarray(self.spec.load()(prediction, truth, PROBLEMS["seismic"]))
        require(found.shape == (len(prediction),), f"scores have shape {found.shape}, expected ({len(prediction)},)")
        return found


def scores_are_one_a_sample(subject: MetricSubject) -> None:
    """There is one finite score per sample, which depends on that sample alone."""
    prediction, truth = subject.maps[::-1].copy(), subject.truth
    whole = subject.score(prediction, truth)
    require(np.isfinite(whole).all(), "scores of finite maps are not finite")
    alone = np.concatenate([subject.score(prediction[i : i + 1], truth[i : i + 1]) for i in range(len(truth))])
    require(np.allclose(alone, whole, rtol=ROUNDING, atol=ROUNDING), "a sample that is scored alone has another score")


def nothing_beats_the_truth(subject: MetricSubject) -> None:
    """The true maps score better than other maps, in the declared direction."""
    sign = 1.0 if subject.spec.better == "high" else -1.0
    best = sign * subject.score(subject.maps, subject.truth)
    other = sign * subject.score(subject.maps[::-1].copy(), subject.truth)
    # the middle sample of an odd number is its own mirror image
    middle = len(best) // 2
    require(
        np.delete(best > other, middle).all(),
        f"another map scores as well as the true map, where {subject.spec.better} is better",
    )


def maps_are_left_alone(subject: MetricSubject) -> None:
    """Predictions and true maps are not changed."""
    prediction, truth = subject.maps[::-1].copy(), subject.truth.copy()
    before = prediction.copy(), truth.copy()
    subject.score(prediction, truth)
    require(np.array_equal(prediction, before[0]) and np.array_equal(truth, before[1]), "the metric changed its inputs")


METRIC_CHECKS = as_checks(entry_module_is_light, scores_are_one_a_sample, nothing_beats_the_truth, maps_are_left_alone)
