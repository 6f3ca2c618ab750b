import dataclasses
import time

import numpy as np
import pytest
from fwibench_gauss_newton import GaussNewtonOptions
from fwibench_gauss_newton.components import Components
from fwibench_gauss_newton.method import GaussNewton, enlarge_cells

from fwibench.errors import ProblemError
from fwibench.methods.complexity import Complexity
from fwibench.methods.context import RunContext
from fwibench.physics.electromagnetic import simulate
from fwibench.testing.problems import PROBLEMS, Tiny, tiny_data

PROBLEM = PROBLEMS["em"]
SMALL = {"components": 6, "tapers": 1, "calibrated": 4, "iterations": 4, "noise": 1e-4}


class Base:
    """Predicts one map for every measurement."""

    def __init__(self, map_: np.ndarray) -> None:
        self.map = map_

    def predict(self, measurements: np.ndarray) -> np.ndarray:
        return np.repeat(self.map[None], len(measurements), axis=0)

    def complexity(self) -> Complexity:
        return Complexity(parameters=0, parameters_closed_form=10, macs=5, flops=10, flops_kind="analytic")


@pytest.fixture
def tiny() -> Tiny:
    return tiny_data("em")


@pytest.fixture
def based(tiny: Tiny, context: RunContext) -> RunContext:
    return dataclasses.replace(context, base=Base(tiny.train.properties[:].mean(0)))


def build(context: RunContext, **options: object) -> GaussNewton:
    return GaussNewton(PROBLEM, GaussNewtonOptions(**SMALL | options), context)


def test_a_sum_of_components_is_found_from_data_of_smaller_cells(tiny: Tiny, based: RunContext) -> None:
    method = build(based)
    method.fit(tiny.train, tiny.val)
    components = Components(method.fitted["mean"], method.fitted["components"])
    truth = components.map_of(np.array([0.4, -0.5, 0.3, 0.2, 0.0, 0.0]))
    assert PROBLEM.property.low < truth.min() < truth.max() < PROBLEM.property.high
    found = method.predict(simulate(truth[None], PROBLEM))[0]
    assert np.abs(found - truth).mean() < 0.1 * np.abs(based.base.map - truth).mean()
    assert method.figures()["simulations_per_sample"] >= 5
    assert method.figures()["components"] == 6


def test_cells_are_enlarged_and_the_rest_of_the_problem_is_kept() -> None:
    enlarged = enlarge_cells(PROBLEM, 1.5)
    assert (enlarged.physics.fine_cell, enlarged.physics.coarse_cell) == (15.0, 15.0)
    assert enlarged.model_copy(update={"physics": PROBLEM.physics}) == PROBLEM
    with pytest.raises(ProblemError, match="no physics"):
        enlarge_cells(PROBLEMS["seismic"], 1.5)


def test_errors_of_larger_cells_are_data_minus_simulations(tiny: Tiny, based: RunContext) -> None:
    method = build(based, calibrated=2, coarsening=2.0)
    method.fit(tiny.train, tiny.val)
    chosen = tiny.train.spread(2)
    errors = chosen.measurements[:] - simulate(chosen.properties[:], enlarge_cells(PROBLEM, 2.0)).astype(float)
    np.testing.assert_allclose(method.fitted["error_mean"], errors.mean(0), rtol=1e-6)
    spread = np.square(method.fitted["error_deviations"], dtype=float).sum(0)
    np.testing.assert_allclose(spread, errors.var(0, ddof=1), rtol=1e-5)


def test_after_the_deadline_the_prediction_is_the_base_in_components(tiny: Tiny, based: RunContext) -> None:
    method = build(dataclasses.replace(based, deadline=time.monotonic()))
    method.fit(tiny.train, tiny.val)
    found = method.predict(tiny.test.measurements[:2])
    assert method.notes() == ["errors of the larger cells were learned from 0 of 4 samples"]
    np.testing.assert_allclose(found, based.base.predict(found), rtol=1e-5)


def test_parameters_are_those_of_base_components_and_errors(tiny: Tiny, based: RunContext) -> None:
    method = build(based)
    method.fit(tiny.train, tiny.val)
    complexity = method.complexity()
    nodes, values = 20 * 30, 2 * 6 * 10
    assert complexity.parameters_closed_form == 10 + (1 + 6) * nodes + (1 + 4) * values
    assert (complexity.flops, complexity.macs, complexity.flops_kind) == (None, None, None)
    assert complexity.uncounted == ("sparse factorisation",)
