"""multiscale-fwi: full waveform inversion from low to high frequencies (section 4.5)."""

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
from fwibench.problem import AcousticPhysics, Problem, SeismicSurvey
from fwibench.samples import Split
from fwibench.typing import Maps
from fwibench_baselines.fwi.discretisation import at_offsets, inversion_problem, resample, stable_steps
from fwibench_baselines.fwi.engine import Engine
from fwibench_baselines.fwi.options import STEP, STEP_SHARE
from fwibench_baselines.fwi.starts import depth_gradient, fitting_gradient, linear, read_start, smoothed
from fwibench_baselines.mean_map import average, distance

MEMORY_SHARE = 0.8
"""Part of a GPU's free memory that an estimate may fill."""


class WaveformInversion(IterativeMethod):
    """What all waveform inversions share; a subclass says where they start."""

    def __init__(self, problem: Problem, options: Any, context: RunContext) -> None:
        super().__init__(problem, options, context)
        self.engine = Engine(
            inversion_problem(problem, options.accuracy), options, context.device, context.seed("data")
        )

    def seconds_per_sample(self) -> float | None:
        """The option's."""
        seconds: float | None = self.options.seconds
        return seconds

    def iterations_per_sample(self) -> int:
        """Of all bands; L-BFGS-B may take fewer."""
        iterations: int = len(self.engine.bands) * (self.options.warp + self.options.iterations)
        return iterations

    def samples_at_once(self) -> int:
        """As many as the free memory of the GPU holds by deepwave's estimate; one where a batch would couple them."""
        if self.engine.alone:
            return 1
        free, _ = torch.cuda.mem_get_info(self.context.device)
        return max(int(MEMORY_SHARE * free / self.engine.bytes_per_sample()), 1)

    def predict(self, measurements: Maps) -> Maps:
        """See `IterativeMethod.predict`; where samples are fewer than cores, their shots run side by side."""
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
        """How many numbers the start takes from the train split. Default: none."""
        return 0

    def complexity(self) -> Complexity:
        """Nothing is learnt but the start, in closed form; the arithmetic is that of all gradients of a sample."""
        shots = len(self.engine.shots_of(0)) / len(self.problem.survey.sources)
        flops = round(self.iterations_per_sample() * shots * gradient_flops(self.engine.problem))
        return Complexity(
            parameters=0,
            parameters_closed_form=self.numbers_of_start(),
            macs=None,
            flops=flops,
            flops_kind="analytic",
        )

    def diagnostics(self, test: Split) -> dict[str, float]:
        """How much the inversion's simulation differs from the one that made the data, on a true model."""
        velocity = torch.from_numpy(test.properties[:1]).to(self.context.device)
        heard = at_offsets(self.problem, self.options.mute)[:, None]
        with torch.no_grad():
            again = simulate(velocity, self.engine.problem).cpu().numpy() * heard
        measured = resample(test.measurements[:1], self.engine.survey.nt) * heard
        return {"modelling_difference": float(np.linalg.norm(again - measured) / np.linalg.norm(measured))}


class MultiscaleFWI(WaveformInversion):
    """Starts from the train split, from the measurement's own best gradient, or from a file."""

    _start: Maps | None = None
    _error = math.inf
    """Of the start on val [property's unit], where the train split tells the start."""

    def fit(self, train: Split, val: Split) -> None:
        """Makes the start model, where the train split tells it, and measures on val how far off it is."""
        if self.options.start in ("train-mean", "train-gradient"):
            mean = average(train)
            self._start = mean if self.options.start == "train-mean" else depth_gradient(mean)
            self._error = distance(val, self._start)
            self._limit_step()

    def figures(self) -> dict[str, float]:
        """The error of the start on val, which bounds the steps."""
        return {"val_error_of_start": self._error} if math.isfinite(self._error) else {}

    def _limit_step(self) -> None:
        self.engine.step = min(STEP_SHARE * self._error, STEP)

    def numbers_of_start(self) -> int:
        """A node each of the mean map, or both ends of a line over depth; none where nothing is learnt."""
        taken = {"train-mean": math.prod(self.problem.property_shape), "train-gradient": 2}
        return taken.get(str(self.options.start), 0)

    def start(self, measurements: Maps) -> Maps:
        """One model for all samples, or the gradient that fits each of them best."""
        if self.options.start == "gradient":
            return np.stack([self._gradient(measurements[i : i + 1]) for i in range(len(measurements))])
        if self._start is None and isinstance(self.options.start, Path):
            self._start = read_start(self.options.start, self.problem)
        if self._start is None:
            raise self.not_fitted()
        return np.repeat(self._start[None], len(measurements), axis=0)

    def _gradient(self, measurement: Maps) -> Maps:
        """The linear increase over depth that explains a measurement `(1, S, T, R)` best, at its lowest frequencies."""
        options = self.options
        if options.v0 is not None and options.k is not None:
            return linear(self.problem, options.v0, options.k)
        misfit = self.engine.objectives.misfit_of(measurement)
        return fitting_gradient(self.problem, misfit, options.v0, options.k)

    def save(self, path: Path) -> None:
        """Writes `start.npz`; nothing, where every measurement has a start of its own."""
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
        """Reads `start.npz`, where there is a start for all."""
        if self.options.start != "gradient":
            with np.load(path / "start.npz") as content:
                self._start, self._error = content["start"], float(content["error"])
            self._limit_step()


class OracleFWI(WaveformInversion):
    """Starts from the smoothed truth, as the paper's comparison may have; never ranked with the others."""

    _truth: Maps | None = None

    def reveal(self, properties: Maps) -> None:
        """See `Method.reveal`."""
        self._truth = properties

    def start(self, measurements: Maps) -> Maps:
        """The truth, smoothed."""
        if self._truth is None:
            raise self.not_fitted()
        return smoothed(self._truth, self.options.smoothing / self.problem.grid.spacing)

    def save(self, path: Path) -> None:
        """Nothing is kept."""

    def load(self, path: Path) -> None:
        """Nothing was kept; a start comes from `reveal`."""


def gradient_flops(problem: Problem) -> int:
    """Floating-point operations of one misfit and its gradient, all shots of one sample.

    A step of the second-order scheme costs, for each cell within reach and its absorbing frame, two second
    differences of the stencil's order and five operations of the update. The adjoint costs as much, and the
    gradient two operations more. The survey's time step is divided until it is stable. Absorbing terms,
    sources and receivers are left out: they are few.
    """
    survey, physics = problem.survey, problem.physics
    if not isinstance(survey, SeismicSurvey) or not isinstance(physics, AcousticPhysics):
        raise TypeError("only acoustic simulations are counted")
    width = physics.pml_width
    nz, nx = reached_rows(problem) + (1 if physics.free_surface else 2) * width, problem.grid.nx + 2 * width
    courant = physics.courant_number or deepwave.DEFAULT_COURANT_NUMBER
    inner = math.ceil(stable_steps(problem, survey.dt, courant))
    difference = 3 * physics.accuracy // 2 + 1
    step = 2 * difference + 5
    return len(survey.sources) * survey.nt * inner * nz * nx * (2 * step + 2)
