"""Metrics that break one requirement each; `good_score` meets all."""

import numpy as np

from fwibench import MetricSpec


def good_score(prediction, truth, problem):
    return np.abs(prediction - truth).mean((1, 2, 3))


def one_number(prediction, truth, problem):
    return np.abs(prediction - truth).mean()


def relative_to_batch(prediction, truth, problem):
    return good_score(prediction, truth, problem) / truth.std()


def constant(prediction, truth, problem):
    return np.ones(len(prediction))


def in_place(prediction, truth, problem):
    prediction -= truth
    return np.abs(prediction).mean((1, 2, 3))


def metric_spec(function=good_score, better="low"):
    return MetricSpec(
        name="x-" + function.__name__.replace("_", "-"),
        summary="for tests",
        target=f"tests.testing.nonconforming.metrics:{function.__name__}",
        better=better,
    )


def good_samples_score(samples, truth, problem):
    return np.abs(samples - truth).mean((0, 2, 3, 4))


def ignores_spread(samples, truth, problem):
    return np.ones(len(truth))


def samples_spec(function=good_samples_score, **fields):
    return MetricSpec(
        name="x-" + function.__name__.replace("_", "-"),
        summary="for tests",
        target=f"tests.testing.nonconforming.metrics:{function.__name__}",
        scores="samples",
        **{"better": "low", **fields},
    )
