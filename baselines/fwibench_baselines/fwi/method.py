"""Full waveform inversion from low to high frequencies (InvLINT, section 4.5)."""

from __future__ import annotations

import math
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import deepwave
import numpy as np
import torch

from fwibench.files.atomic import atomic_write
from fwibench.methods.complexity import Complexity
from fwibench.methods.context import RunContext
from fwibench.methods.iterative import IterativeMethod
from fwibench.methods.traces import Course
from fwibench.physics.acoustic import simulate
from fwibench.physics.parallel import available_cores
from fwibench.physics.placement import reached_rows
from fwibench.problem import Problem, acoustic_physics, seismic_survey
from fwibench.samples import Split
from fwibench.typing import Maps
from fwibench_baselines.fwi.discretisation import at_offsets, inversion_problem, resample, stable_steps
from fwibench_baselines.fwi.engine import Engine
from fwibench_baselines.fwi.options import STEP, STEP_SHARE
from fwibench_baselines.fwi.starts import depth_gradient, fitting_gradient, linear, read_start, smoothed
from fwibench_baselines.mean_map import average, distance


class WaveformInversion(IterativeMethod):
    """Base class of waveform inversions; a subclass implements `start`.

    Args:
        problem: See `Method`.
        options: Validated options, an instance of a subclass of `InversionOptions`.
        context: See `Method`.
    """

    def __init__(self, problem: Problem, options: Any, context: RunContext) -> None:
        super().__init__(problem, options, context)
        self.engine = Engine(
            inversion_problem(problem, options.accuracy), options, context.device, context.seed("data")
        )

    def seconds_per_sample(self) -> float | None:
        """Return the time budget of a sample [s]."""
        seconds: float | None = self.options.seconds
        return seconds

    def iterations_per_sample(self) -> int:
        """Return the number of iterations of all bands; L-BFGS-B may take fewer."""
        iterations: int = len(self.engine.bands) * (self.options.warp + self.options.iterations)
        return iterations

    def samples_at_once(self) -> int:
        """Return the batch size that fits the free memory of the GPU; 1 where a batch would couple samples."""
        return 1 if self.engine.alone else self.engine.samples_at_once()

    def predict(self, measurements: Maps) -> Maps:
        """See `IterativeMethod.predict`; with fewer samples than cores, the shots of a sample run in parallel."""
        cores = available_cores()
        if self.context.device != "cpu" or len(measurements) >= cores:
            return super().predict(measurements)
        with ThreadPoolExecutor(cores, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            self.engine.objectives.each = pool.map
            try:
                return super().predict(measurements)
            finally:
                self.engine.objectives.each = map

    def invert(self, measurements: Maps, course: Course) -> Maps:
        """See `Engine.run`."""
        return self.engine.run(measurements, course)

    def numbers_of_start(self) -> int:
        """Return the number of values of the start model that are taken from the train split. Default: 0."""
        return 0

    def complexity(self) -> Complexity:
        """Return the values of the start model as closed-form parameters, and the FLOPs of a sample's gradients."""
        shots = len(self.engine.shots_of(0)) / len(self.problem.survey.sources)
        each = [gradient_flops(self.engine.objectives.problem_of(corner)) for corner in self.engine.bands]
        flops = round((self.options.warp + self.options.iterations) * shots * sum(each))
        return Complexity(
            parameters=0,
            parameters_closed_form=self.numbers_of_start(),
            macs=None,
            flops=flops,
            flops_kind="analytic",
        )

    def diagnostics(self, test: Split) -> dict[str, float]:
        """Return the relative difference between the simulation of the inversion and the data, for a true model."""
        velocity = torch.from_numpy(test.properties[:1]).to(self.context.device)
        heard = at_offsets(self.problem, self.options.mute)[:, None]
        with torch.no_grad():
            again = simulate(velocity, self.engine.problem).cpu().numpy() * heard
        measured = resample(test.measurements[:1], self.engine.survey.nt) * heard
        return {"modelling_difference": float(np.linalg.norm(again - measured) / np.linalg.norm(measured))}


class MultiscaleFWI(WaveformInversion):
    """Starts from the train split, from a linear increase fitted to each measurement, or from a file."""

    _start: Maps | None = None
    _error = math.inf
    """Mean absolute error of the start on val [property's unit]; infinite if it is not from the train split."""

    def fit(self, train: Split, val: Split) -> None:
        """Compute the start model if it comes from the train split, and measure its error on val."""
        if self.options.start in ("train-mean", "train-gradient"):
            mean = average(train)
            self._start = mean if self.options.start == "train-mean" else depth_gradient(mean)
            self._error = distance(val, self._start)
            self._limit_step()

    def figures(self) -> dict[str, float]:
        """Return the error of the start on val, which limits the steps."""
        return {"val_error_of_start": self._error} if math.isfinite(self._error) else {}

    def _limit_step(self) -> None:
        self.engine.step = min(STEP_SHARE * self._error, STEP)

    def numbers_of_start(self) -> int:
        """Return the number of nodes of the mean map, 2 for a linear increase, or 0 for a start without training."""
        taken = {"train-mean": math.prod(self.problem.property_shape), "train-gradient": 2}
        return taken.get(str(self.options.start), 0)

    def start(self, measurements: Maps) -> Maps:
        """Return one model for all samples, or the linear increase with depth that fits each measurement best."""
        if self.options.start == "gradient":
            return np.stack([self._gradient(measurements[i : i + 1]) for i in range(len(measurements))])
        if self._start is None and isinstance(self.options.start, Path):
            self._start = read_start(self.options.start, self.problem)
        if self._start is None:
            raise self.not_fitted()
        return np.repeat(self._start[None], len(measurements), axis=0)

    def _gradient(self, measurement: Maps) -> Maps:
        """Return the linear increase with depth that fits the lowest band of a measurement `(1, S, T, R)` best."""
        options = self.options
        if options.v0 is not None and options.k is not None:
            return linear(self.problem, options.v0, options.k)
        misfit = self.engine.objectives.misfit_of(measurement)
        return fitting_gradient(self.problem, misfit, options.v0, options.k)

    def save(self, path: Path) -> None:
        """Write `start.npz`, unless every measurement has its own start."""
        if self.options.start == "gradient":
            return
        start = self._start
        if start is None and isinstance(self.options.start, Path):
            start = read_start(self.options.start, self.problem)
        if start is None:
            raise self.not_fitted()
        with atomic_write(path / "start.npz") as stream:
            np.savez(stream, start=start, error=self._error)

    def load(self, path: Path) -> None:
        """Read `start.npz`, unless every measurement has its own start."""
        if self.options.start != "gradient":
            with np.load(path / "start.npz") as content:
                self._start, self._error = content["start"], float(content["error"])
            self._limit_step()


class OracleFWI(WaveformInversion):
    """Starts from the smoothed truth; ranked on its own track."""

    _truth: Maps | None = None

    def reveal(self, properties: Maps) -> None:
        """See `Method.reveal`."""
        self._truth = properties

    def start(self, measurements: Maps) -> Maps:
        """Return the smoothed truth."""
        if self._truth is None:
            raise self.not_fitted()
        return smoothed(self._truth, self.options.smoothing / self.problem.grid.spacing)

    def save(self, path: Path) -> None:
        """Write nothing: the start comes from `reveal`."""

    def load(self, path: Path) -> None:
        """Read nothing: the start comes from `reveal`."""


def gradient_flops(problem: Problem) -> int:
    """Return the FLOPs of one misfit and its gradient for all shots of a sample, derived from the scheme.

    The adjoint takes as many as the simulation, and the gradient two more for each cell and step.

    Raises:
        TypeError: The problem is not acoustic.
    """
    return 2 * simulation_flops(problem) + 2 * _updates(problem)


def simulation_flops(problem: Problem) -> int:
    """Return the FLOPs of the simulation of all shots of a sample, derived from the scheme.

    A counter cannot see deepwave's kernels. For each cell within reach and in its absorbing frame, a step of the
    second-order scheme takes two second differences of the stencil's order and five operations of the update. The time
    step of the survey is divided until it is stable. Absorbing terms, sources and receivers are few and not counted.

    Raises:
        TypeError: The problem is not acoustic.
    """
    difference = 3 * acoustic_physics(problem).accuracy // 2 + 1
    return (2 * difference + 5) * _updates(problem)


def _updates(problem: Problem) -> int:
    """Return the number of updates of a cell in the simulation of all shots of a sample."""
    survey, physics = seismic_survey(problem), acoustic_physics(problem)
    width = physics.pml_width
    nz, nx = reached_rows(problem) + (1 if physics.free_surface else 2) * width, problem.grid.nx + 2 * width
    courant = physics.courant_number or deepwave.DEFAULT_COURANT_NUMBER
    inner = math.ceil(stable_steps(problem, survey.dt, courant))
    return len(survey.sources) * survey.nt * inner * nz * nx
