"""Gauss-Newton steps for the coefficients of a map, with the errors of the simulation as further unknowns."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np

from fwibench.physics.electromagnetic import Linearisation
from fwibench.problem import Property
from fwibench.typing import Array64, Maps
from fwibench_gauss_newton.components import Components

SHORTEST = 0.25
"""Shortest part of a step that is tried."""


class ModelErrors(NamedTuple):
    """Data minus simulation on a coarser mesh, as a normal distribution (Kaipio and Somersalo, 2007).

    Attributes:
        mean: Mean over train samples `(S, 2 F, R)`.
        deviations: Those of the samples `(N, S, 2 F, R)`; a sum of them with independent coefficients of variance 1 has
            the covariance of the samples.
    """

    mean: Array64
    deviations: Array64

    @classmethod
    def learn(cls, errors: Array64) -> ModelErrors:
        """Return the distribution of the errors of train samples `(n, S, 2 F, R)`; without any there are none."""
        if not len(errors):
            return cls(np.zeros(errors.shape[1:]), errors)
        mean = errors.mean(0)
        return cls(mean, (errors - mean) / np.sqrt(max(len(errors) - 1, 1)))


class State(NamedTuple):
    """A point of the inversion.

    Attributes:
        unknowns: Coefficients of components, then of model errors `(K + N,)`.
        residual: Data minus simulation and model error `(values,)`.
        derivatives: Derivatives of simulation and model error with respect to the unknowns `(values, K + N)`.
    """

    unknowns: Array64
    residual: Array64
    derivatives: Array64

    def objective(self, deviation: Array64) -> float:
        """Return minus the logarithm of the posterior density, for standard deviations of the data error."""
        return float(np.square(self.residual / deviation).sum() + np.square(self.unknowns).sum()) / 2

    def step(self, deviation: Array64) -> Array64:
        """Return the Gauss-Newton step of the unknowns, for standard deviations of the data error."""
        scaled = self.derivatives / deviation[:, None]
        normal = scaled.T @ scaled
        normal[np.diag_indices(len(normal))] += 1.0
        return np.asarray(np.linalg.solve(normal, scaled.T @ (self.residual / deviation) - self.unknowns))


class Inversion:
    """Finds the most probable map, given data.

    Args:
        components: Prior distribution of maps.
        errors: Distribution of the errors of the simulation [V/m].
        linear: Simulation with derivatives in the directions of the components.
        bounds: Maps are clipped to these bounds.

    Attributes:
        components: Prior distribution of maps.
    """

    def __init__(self, components: Components, errors: ModelErrors, linear: Linearisation, bounds: Property) -> None:
        self.components, self._errors, self._linear, self._bounds = components, errors, linear, bounds

    def invert(
        self, data: Array64, start: Array64, levels: Iterable[float], stops: Callable[[], bool]
    ) -> tuple[Maps, int]:
        """Take a step for each noise level; a step that raises the objective is halved, and ends the inversion at last.

        Args:
            data: Electric field `(S, 2 F, R)` [V/m].
            start: First coefficients of the components `(K,)`.
            levels: Standard deviations of the data error, over the largest amplitude of each row of the data.
            stops: Called before each step, which is not taken when it returns true.

        Returns:
            Map `(1, Z, X)` [S/m], and number of simulations.
        """
        if stops():
            return self._clip(self._map(start)), 0
        largest = np.broadcast_to(np.abs(data).max(axis=(0, 2))[:, None], data.shape).ravel()
        state, simulations = self._state(data, np.concatenate([start, np.zeros(len(self._errors.deviations))])), 1
        for level in levels:
            if stops():
                break
            deviation = level * largest
            before, step, share = state.objective(deviation), state.step(deviation), 1.0
            after = self._state(data, state.unknowns + step)
            simulations += 1
            while share > SHORTEST and after.objective(deviation) >= before:
                share /= 2
                after = self._state(data, state.unknowns + share * step)
                simulations += 1
            if after.objective(deviation) >= before:
                break
            state = after
        return self._clip(self._map(state.unknowns)), simulations

    def _map(self, unknowns: Array64) -> Maps:
        """Return the map `(1, Z, X)` of unknowns, the first of which are the coefficients of the components."""
        return self.components.map_of(unknowns[: len(self.components.maps)])

    def _clip(self, section: Maps) -> Maps:
        return section.clip(self._bounds.low, self._bounds.high)

    def _state(self, data: Array64, unknowns: Array64) -> State:
        """Simulate the map of some unknowns."""
        section = self._map(unknowns)
        clipped = self._clip(section)
        # nodes beyond the bounds do not change with the coefficients
        simulated, derivatives = self._linear.at(clipped, (section == clipped).astype(np.float32))
        errors = self._errors.deviations.reshape(-1, data.size)
        explained = simulated + self._errors.mean + (unknowns[len(self.components.maps) :] @ errors).reshape(data.shape)
        columns = np.concatenate([derivatives.reshape(data.size, -1), errors.T], axis=1)
        return State(unknowns, (data - explained).ravel(), columns)
