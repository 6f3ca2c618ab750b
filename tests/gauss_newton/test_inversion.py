from typing import Any

import numpy as np
import pytest
from fwibench_gauss_newton.components import Components
from fwibench_gauss_newton.inversion import Inversion, ModelErrors

from fwibench.problem import Property

SHAPE, COUNT = (2, 2, 3), 4
BOUNDS = Property(name="conductivity", unit="S/m", low=-100.0, high=100.0)
RNG = np.random.default_rng(0)
COMPONENTS = Components(np.zeros((2, 3), np.float32), np.eye(6, dtype=np.float32)[:COUNT].reshape(COUNT, 2, 3))
MATRIX = RNG.standard_normal((12, COUNT))
NO_ERRORS = ModelErrors.learn(np.empty((0, *SHAPE)))


class Simulation:
    """Data of the first nodes of a map: their product with `MATRIX`, plus a multiple of their cubes."""

    def __init__(self, cubic: float = 0.0) -> None:
        self.cubic, self.weights = cubic, []

    def at(self, conductivity: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        self.weights.append(weights)
        nodes = conductivity.ravel()[:COUNT].astype(float)
        derivatives = MATRIX * (1 + 3 * self.cubic * nodes**2) * weights.ravel()[:COUNT]
        return (MATRIX @ (nodes + self.cubic * nodes**3)).reshape(SHAPE), derivatives.reshape(*SHAPE, COUNT)


def inversion(simulation: Any, errors: ModelErrors = NO_ERRORS) -> Inversion:
    return Inversion(COMPONENTS, errors, simulation, BOUNDS)


def test_one_step_of_a_linear_problem_gives_the_posterior_mean() -> None:
    data, level = RNG.standard_normal(SHAPE), 0.3
    found, simulations = inversion(Simulation()).invert(data, np.ones(COUNT), [level], lambda: False)
    weights = (level * np.abs(data).max(axis=(0, 2))[:, None] * np.ones(SHAPE)).ravel() ** -2
    normal = MATRIX.T @ (weights[:, None] * MATRIX) + np.eye(COUNT)
    expected = np.linalg.solve(normal, MATRIX.T @ (weights * data.ravel()))
    np.testing.assert_allclose(found.ravel()[:COUNT], expected, rtol=1e-5)
    assert (found.ravel()[COUNT:] == 0).all()
    assert simulations == 2


def test_learned_errors_of_the_simulation_are_not_taken_for_structure() -> None:
    truth = np.array([1.0, -0.5, 0.3, 0.8])
    pattern, mean = RNG.standard_normal(SHAPE), RNG.standard_normal(SHAPE)
    data = (MATRIX @ truth).reshape(SHAPE) + mean + 0.7 * pattern
    errors = ModelErrors.learn(mean + pattern * np.array([-1.0, 0.0, 1.0])[:, None, None, None])
    off = []
    for known in (NO_ERRORS, errors):
        found, _ = inversion(Simulation(), known).invert(data, np.zeros(COUNT), [1e-4], lambda: False)
        off.append(float(np.abs(found.ravel()[:COUNT] - truth).max()))
    assert off[1] < 1e-4 < 1e-2 < off[0]


def test_lower_noise_of_later_steps_converges_where_the_data_are_not_linear() -> None:
    simulation, truth = Simulation(cubic=0.3), np.array([1.0, -0.8, 0.6, 1.2])
    data = (MATRIX @ (truth + 0.3 * truth**3)).reshape(SHAPE)
    found, simulations = inversion(simulation).invert(data, np.zeros(COUNT), np.geomspace(0.1, 1e-5, 8), lambda: False)
    np.testing.assert_allclose(found.ravel()[:COUNT], truth, atol=1e-4)
    assert simulations == len(simulation.weights) >= 9


def test_a_step_that_raises_the_objective_is_halved_and_ends_the_inversion_at_last() -> None:
    class Wrong(Simulation):
        def at(self, conductivity: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            data, derivatives = super().at(conductivity, weights)
            return data, -derivatives

    start, data = np.full(COUNT, 0.5), RNG.standard_normal(SHAPE)
    found, simulations = inversion(Wrong()).invert(data, start, [1e-3, 1e-4], lambda: False)
    np.testing.assert_array_equal(found.ravel()[:COUNT], start)
    assert simulations == 4, "the start, and steps of 1, 1/2 and 1/4"


@pytest.mark.parametrize("steps", [0, 1])
def test_no_step_is_taken_after_the_deadline(steps: int) -> None:
    calls = iter([False] * (2 * steps) + [True] * 10)
    data = RNG.standard_normal(SHAPE)
    found, simulations = inversion(Simulation()).invert(data, np.ones(COUNT), [0.1, 0.01], lambda: next(calls))
    assert simulations == 2 * steps
    assert (found.ravel()[:COUNT] == 1).all() == (steps == 0)


def test_maps_are_clipped_to_the_bounds() -> None:
    narrow = BOUNDS.model_copy(update={"low": -0.25, "high": 0.25})
    data = (MATRIX @ np.array([3.0, -3.0, 0.1, 0.0])).reshape(SHAPE)
    found, _ = Inversion(COMPONENTS, NO_ERRORS, Simulation(), narrow).invert(
        data, np.zeros(COUNT), [0.01], lambda: False
    )
    assert found.min() >= -0.25
    assert found.max() <= 0.25


def test_data_do_not_depend_on_nodes_beyond_the_bounds() -> None:
    narrow, simulation = BOUNDS.model_copy(update={"low": -0.25, "high": 0.25}), Simulation()
    start, data = np.array([3.0, 0.1, -0.3, 0.0]), np.ones(SHAPE)
    Inversion(COMPONENTS, NO_ERRORS, simulation, narrow).invert(data, start, [0.01], lambda: False)
    np.testing.assert_array_equal(simulation.weights[0].ravel(), [0, 1, 0, 1, 1, 1])
