"""Inversion of electromagnetic data for the coefficients of components of the train maps."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from statistics import fmean

import numpy as np
from fwibench_baselines.array_method import ArrayMethod
from threadpoolctl import threadpool_limits

from fwibench.errors import ProblemError
from fwibench.methods.base import OnBase
from fwibench.methods.complexity import Complexity, total
from fwibench.physics.electromagnetic import Linearisation
from fwibench.physics.parallel import available_cores, simulate_each
from fwibench.problem import ElectromagneticPhysics, Problem
from fwibench.samples import Split
from fwibench.typing import Array32, Array64, Maps
from fwibench_gauss_newton.components import Components, learn_components
from fwibench_gauss_newton.inversion import Inversion, ModelErrors


class GaussNewton(OnBase, ArrayMethod):
    """Starts from the prediction of the fitted method `context.base`."""

    _built: tuple[dict[str, Array32], Inversion] | None = None
    _simulations: Sequence[int] = ()

    def fit(self, train: Split, val: Split) -> None:
        """Learn the components of the train maps, and the errors of the larger cells from some train samples."""
        options = self.options
        components = learn_components(train.properties[:], options.tapers, options.width, options.components)
        errors = ModelErrors.learn(self._errors_of(train.spread(options.calibrated)))
        self.arrays = {
            name: array.astype(np.float32)
            for name, array in (
                ("mean", components.mean),
                ("components", components.maps),
                ("error_mean", errors.mean),
                ("error_deviations", errors.deviations),
            )
        }

    def _errors_of(self, split: Split) -> Array64:
        """Return data minus simulation on the larger cells `(n, S, 2 F, R)` [V/m]; of fewer samples at the deadline."""
        problem, at_once = enlarge_cells(self.problem, self.options.coarsening), available_cores()
        found = np.empty((0, *problem.measurement_shape))
        while len(found) < len(split) and not self.context.should_stop():
            rows = slice(len(found), len(found) + at_once)
            simulated = np.stack(list(simulate_each(list(split.properties[rows]), problem)))
            found = np.concatenate([found, split.measurements[rows].astype(np.float64) - simulated])
            self.context.report(step=len(found), steps=len(split))
        if len(found) < len(split):
            self.remarks.append(f"errors of the larger cells were learned from {len(found)} of {len(split)} samples")
        return found

    @property
    def inversion(self) -> Inversion:
        """The inversion with the fitted arrays; set up once after `fit` or `load`, which takes seconds."""
        fitted = self.fitted
        if self._built is None or self._built[0] is not fitted:
            components = Components(fitted["mean"], fitted["components"])
            errors = ModelErrors(*(fitted[name].astype(np.float64) for name in ("error_mean", "error_deviations")))
            linear = Linearisation(components.maps, enlarge_cells(self.problem, self.options.coarsening))
            self._built = fitted, Inversion(components, errors, linear, self.problem.property)
        return self._built[1]

    def predict(self, measurements: Maps) -> Maps:
        """See `Method.predict`; each sample is inverted in a thread of its own."""
        self.problem.check_measurements(measurements.shape)
        inversion, options, stops = self.inversion, self.options, self.context.should_stop
        # of one step it is the last level that is left
        levels = np.geomspace(options.noise, options.first_noise, options.iterations)[::-1]
        # one by one, because an inversion amplifies the rounding differences between batches
        starts = [inversion.components.coefficients(self.base.predict(one[None]))[0] for one in measurements]

        def run(measurement: Array32, start: Array64) -> tuple[Maps, int]:
            return inversion.invert(measurement.astype(np.float64), start, levels, stops)

        # set for all threads here, since each one restores the limit when it ends and would remove that of the others
        with threadpool_limits(1, "blas"), ThreadPoolExecutor(available_cores()) as pool:
            results = []
            for number, result in enumerate(pool.map(run, measurements, starts)):
                results.append(result)
                self.context.report(step=number + 1, steps=len(measurements))
        self._simulations = [count for _, count in results]
        return np.stack([found for found, _ in results])

    def complexity(self) -> Complexity:
        """Return the parameters of base, components and model errors; sparse factorisations are not counted."""
        below, own = self.base.complexity(), self.closed_form(0, 0)
        return below.model_copy(
            update={
                "parameters_closed_form": total((below.parameters_closed_form, own.parameters_closed_form)),
                "macs": None,
                "flops": None,
                "flops_kind": None,
                "uncounted": (*below.uncounted, "sparse factorisation"),
            }
        )

    def figures(self) -> dict[str, float]:
        """Return the number of components, and the mean number of simulations of a sample of the last prediction."""
        figures = {"components": float(len(self.fitted["components"]))}
        return figures | ({"simulations_per_sample": fmean(self._simulations)} if self._simulations else {})


def enlarge_cells(problem: Problem, factor: float) -> Problem:
    """Return an electromagnetic problem with larger cells, so that an inversion does not repeat the data's errors.

    Args:
        problem: The problem.
        factor: Ratio of the sizes.

    Raises:
        ProblemError: The problem is not electromagnetic.
    """
    physics = problem.physics
    if not isinstance(physics, ElectromagneticPhysics):
        raise ProblemError("gauss-newton simulates electromagnetic data, and the problem has no physics for them")
    cells = {"fine_cell": factor * physics.fine_cell, "coarse_cell": factor * physics.coarse_cell}
    return problem.model_copy(update={"physics": physics.model_copy(update=cells)})
