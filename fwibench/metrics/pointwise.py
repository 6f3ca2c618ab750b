"""Errors of each node, averaged over a map, in physical units."""

from __future__ import annotations

import numpy as np

from fwibench.problem import Problem
from fwibench.typing import Maps, Scores


def mae(prediction: Maps, truth: Maps, problem: Problem) -> Scores:
    """Mean absolute error of each sample, in the property's unit (section 4.1.3)."""
    return np.abs(_difference(prediction, truth)).mean(axis=1)


def mse(prediction: Maps, truth: Maps, problem: Problem) -> Scores:
    """Mean squared error of each sample, in the property's unit squared (section 4.1.3)."""
    return np.square(_difference(prediction, truth)).mean(axis=1)


def rmse(prediction: Maps, truth: Maps, problem: Problem) -> Scores:
    """Root of each sample's mean squared error, in the property's unit."""
    return np.sqrt(mse(prediction, truth, problem))


def _difference(prediction: Maps, truth: Maps) -> Scores:
    return (prediction.astype(np.float64) - truth).reshape(len(truth), -1)
