"""Metrics applied to predictions.

Invariant: a metric that fails has no scores and a note; it does not affect the other metrics. Samples are read in
chunks, so the memory does not limit their number.
"""

from __future__ import annotations

import traceback
from collections.abc import Iterable

import numpy as np

from fwibench.errors import MetricError
from fwibench.plugins.isolation import describe
from fwibench.plugins.registry import Registry
from fwibench.problem import Problem
from fwibench.runs.artefacts.samples import StoredSamples
from fwibench.runs.artefacts.scores import Scores
from fwibench.runs.opening.methods import rows_at_once
from fwibench.runs.opening.truth import count_exact_predictions
from fwibench.samples import Split
from fwibench.specs.metric import MetricSpec
from fwibench.typing import Array32, Array64, Maps


def score(
    prediction: Maps,
    test: Split,
    metrics: Iterable[str],
    registry: Registry,
    problem: Problem,
    samples: StoredSamples | None = None,
) -> tuple[Scores, list[str]]:
    """Compute metrics for all test samples.

    Args:
        prediction: Predicted maps in physical units, `(n, 1, Z, X)`.
        test: Samples that were predicted, in the same order.
        metrics: Names of the metrics.
        registry: Registry of the metrics.
        problem: Problem of the dataset.
        samples: Samples of the predictions; None: metrics that score them are left out.

    Returns:
        The scores, NaN for metrics that failed, and a line for each metric that failed.
    """
    notes: list[str] = []
    specs = {name: registry.metric(name).spec for name in metrics}
    specs = {name: spec for name, spec in specs.items() if spec.scores == "prediction" or samples is not None}
    values = {name: np.full(len(test), np.nan) for name in specs}
    failed: set[str] = set()
    step = max(rows_at_once(problem) // (samples.count if samples else 1), 1)
    for first in range(0, len(test), step):
        rows = slice(first, first + step)
        truth: dict[str, Maps] = {}
        for name, spec in specs.items():
            if name in failed:
                continue
            if spec.compares not in truth:
                truth[spec.compares] = (test.properties if spec.compares == "property" else test.measurements)[rows]
            try:
                scored = samples[rows] if samples is not None and spec.scores == "samples" else prediction[rows]
                values[name][rows] = _apply(spec, scored, truth[spec.compares], problem)
            except (Exception, SystemExit) as error:
                traceback.print_exc()
                notes.append(f"{note_prefix(name)}{describe(error)}")
                failed.add(name)
                values[name][:] = np.nan
    return Scores(test.ids, values, test.groups), notes


def pool_scores(scores: Scores, registry: Registry) -> dict[str, float | None]:
    """Return the score over all samples, by metric, pooled as the spec of each metric declares.

    Args:
        scores: Scores of the samples.
        registry: Registry of the metrics; the mean is taken of a metric that it does not have.
    """
    return scores.pooled({name: offer.spec.pooling for name, offer in registry.metrics.items()})


def note_prefix(metric: str) -> str:
    """Return the beginning of the note on a metric that failed."""
    return f"metric {metric} has no score: "


def _apply(spec: MetricSpec, scored: Array32, truth: Maps, problem: Problem) -> Array64:
    """Compute a metric for a chunk of samples; its arguments are read-only, since other metrics use the same arrays."""
    arguments = [array.view() for array in (scored, truth)]
    for array in arguments:
        array.flags.writeable = False
    scores = np.asarray(spec.load()(*arguments, problem), np.float64)
    if scores.shape != (len(truth),):
        raise MetricError(f"{spec.target} returned shape {scores.shape}, expected ({len(truth)},)")
    return scores


def exact_notes(prediction: Maps, test: Split, problem: Problem) -> list[str]:
    """Return a note if predictions equal the truth in every node; none otherwise.

    Args:
        prediction: Predicted maps, `(n, 1, Z, X)`.
        test: Samples that were predicted, in the same order.
        problem: Problem of the dataset.
    """
    exact = count_exact_predictions(prediction, test, rows_at_once(problem))
    return [
        f"{exact} of {len(test)} predictions equal the truth in every node, which no inversion reaches: "
        "check how the method had access to it"
    ] * bool(exact)
