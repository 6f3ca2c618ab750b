"""Ensembles of fits of one method with different seeds."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fwibench.files.atomic import reading, write_text
from fwibench.methods.base import Method
from fwibench.methods.complexity import Complexity, total
from fwibench.methods.context import FittedMethod
from fwibench.metrics.spread import crps
from fwibench.problem import Problem
from fwibench.samples import Split
from fwibench.typing import Array32, Maps

FACTORS = tuple(2.0 ** (step / 4) for step in range(-8, 17))
"""Factors of the spread that `calibrate` compares, from 1/4 to 16."""
MOST = 200
"""Largest number of val samples that the factor is chosen on, spread evenly."""
AT_ONCE = 16
"""Number of val samples that are read at once."""
SPREAD = "spread.json"
"""File with the factor."""
SUMMED = ("parameters", "parameters_closed_form", "parameters_fixed", "macs", "flops")
"""Numbers of a `Complexity` that add up."""


class Ensemble(Method):
    """Predicts the mean of the members, which are fits of another method (Lakshminarayanan et al., NeurIPS 2017).

    The members themselves are the samples of a prediction, at distances from the mean that are multiplied by `factor`.

    Attributes:
        factor: Factor of the spread; None before `fit` or `load`.
    """

    factor: float | None = None

    @property
    def members(self) -> Sequence[FittedMethod]:
        """The fitted methods; raises `MethodError` without any."""
        if not self.context.members:
            raise self.not_fitted()
        return self.context.members

    def fit(self, train: Split, val: Split) -> None:
        """Choose the factor of the spread on `val` if the spread is calibrated; the members are fitted already."""
        self.factor = 1.0
        if not self.options.calibrated:
            return
        if not len(val):
            self.remarks.append("the spread is not calibrated: there are no val samples")
            return
        chosen = val.spread(MOST)
        parts = [chosen.measurements[first : first + AT_ONCE] for first in range(0, len(chosen), AT_ONCE)]
        members = np.concatenate([self._predict_each(part) for part in parts], axis=1)
        self.factor = calibrate(members, chosen.properties[:], self.problem)
        if self.factor in (FACTORS[0], FACTORS[-1]):
            self.remarks.append(
                f"the spread is multiplied by {self.factor:g}, the last factor that was compared on val"
            )

    def predict(self, measurements: Array32) -> Maps:
        """Return the mean of the members' predictions."""
        if self.factor is None:
            raise self.not_fitted()
        return _mean(self._predict_each(measurements))

    def predict_samples(self, measurements: Array32) -> Array32:
        """Return the members' predictions, with the calibrated spread about their mean."""
        if self.factor is None:
            raise self.not_fitted()
        return _spread(self._predict_each(measurements), self.factor)

    def complexity(self) -> Complexity:
        """Return the parameters and the arithmetic of all members together."""
        each = [member.complexity() for member in self.members]
        return each[0].model_copy(update={name: total(getattr(one, name) for one in each) for name in SUMMED})

    def figures(self) -> dict[str, float]:
        """Return the factor of the spread."""
        return {} if self.factor is None else {"spread_factor": self.factor}

    def save(self, path: Path) -> None:
        """Write the factor of the spread; the members are stored by their own runs."""
        if self.factor is None:
            raise self.not_fitted()
        write_text(path / SPREAD, json.dumps({"factor": self.factor}))

    def load(self, path: Path) -> None:
        """Read the factor of the spread; the members are loaded before this method is built."""
        with reading(path / SPREAD, "the spread of the ensemble", "run the cell again with --force"):
            self.factor = float(json.loads((path / SPREAD).read_text())["factor"])

    def _predict_each(self, measurements: Array32) -> Array32:
        """Return the members' predictions `(m, n, 1, Z, X)`."""
        return np.stack([member.predict(measurements) for member in self.members])


def calibrate(members: Array32, truth: Maps, problem: Problem) -> float:
    """Return the factor of `FACTORS` whose spread about the mean has the lowest mean CRPS.

    Args:
        members: Predictions of the members `(m, n, 1, Z, X)`.
        truth: True maps `(n, 1, Z, X)`.
        problem: Problem of the dataset.
    """
    scores = [crps(_spread(members, factor), truth, problem).mean() for factor in FACTORS]
    return FACTORS[int(np.argmin(scores))]


def _mean(members: Array32) -> Maps:
    return members.mean(axis=0, dtype=np.float64).astype(np.float32)


def _spread(members: Array32, factor: float) -> Array32:
    mean = _mean(members)
    return mean + np.float32(factor) * (members - mean)
