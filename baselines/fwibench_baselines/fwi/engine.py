"""Inversion of a batch, band after band.

Invariant: samples of a batch do not influence each other. The objective is a sum over samples and Adam is elementwise,
so that a batch equals single inversions; options that would couple samples allow a batch of one only.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, lru_cache, partial

import deepwave
import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

from fwibench.methods.traces import Course
from fwibench.physics.acoustic import widths_of_frame
from fwibench.physics.illumination import illumination
from fwibench.physics.wavelets import gradient_interval
from fwibench.problem import Problem, acoustic_physics, seismic_survey
from fwibench.typing import Array64, Maps
from fwibench_baselines.fwi.bands import bands_of, name_of
from fwibench_baselines.fwi.discretisation import clipped, resample, taper
from fwibench_baselines.fwi.objectives import Objective, Objectives
from fwibench_baselines.fwi.optimisers import AdamSettings, OutOfTimeError, Unknown, adam, minimise
from fwibench_baselines.fwi.options import CHECKED, FEWEST_SHOTS, SHORTENING, STEP, InversionOptions
from fwibench_baselines.fwi.shots import Shots
from fwibench_baselines.fwi.stopping import LowestMisfit
from fwibench_baselines.fwi.warping import Deformation, Warp

LEAST = 0.05
"""Smallest share of the steps of a band that is taken, also for models that explain the data."""
WARP_DAMPING = 1e-8
"""Gradient of the misfit below which a control point hardly moves [1/cells]."""
WARP_LEFT = 0.01
"""Largest misfit after bending, in addition to the noise; above it the shapes were wrong and the start is kept."""
MEMORY_SHARE = 0.8
"""Share of the free memory of a GPU that a batch may use by deepwave's estimate."""
REACH = 3.0
"""Half width of the Gaussian kernel of `blurred`, over its standard deviation."""


class Engine:
    """Inverts measurements of one problem with one set of options.

    Args:
        problem: Problem as the inversion simulates it, see `inversion_problem`.
        options: Options of the inversion.
        device: Device of the computation.
        seed: Seed of the random choice of shots.

    Attributes:
        step: First step of Adam [property's unit] where the options do not set it.
        bands: Upper corners of the bands [Hz]; None is the full band.
        objectives: Makes the objectives of the bands.
        deform: Makes the change of start models `(n, 1, Z, X)` that is fitted before their nodes are changed.
    """

    def __init__(self, problem: Problem, options: InversionOptions, device: str, seed: int = 0) -> None:
        self.problem, self.options, self.device = problem, options, device
        self.survey, self.physics = seismic_survey(problem), acoustic_physics(problem)
        self._every = tuple(range(len(self.survey.sources)))
        self._seed = seed
        self.step = STEP
        self.bands = bands_of(self.survey, options.bands)
        self._taper = torch.from_numpy(taper(problem, options.taper)).to(device)
        self.objectives = Objectives(problem, options, device)
        self.deform: Callable[[Tensor], Deformation] = partial(Warp, points=options.warp_points)

    @property
    def alone(self) -> bool:
        """Whether a batch holds one sample only, because a line search or a wavelet would couple samples."""
        return self.options.optimiser == "l-bfgs-b" or self.options.wavelet == "estimated"

    def run(self, measurements: Maps, course: Course) -> Maps:
        """Invert measurements `(n, S, T, R)`, beginning with the first band that the course has not finished.

        Returns:
            Models `(n, 1, Z, X)`.

        Raises:
            ValueError: The batch holds more than one sample where `alone` is true.
        """
        if self.alone and len(measurements) > 1:
            raise ValueError(f"these options invert one sample at a time, not {len(measurements)}: see `Engine.alone`")
        measurements = resample(measurements, self.survey.nt)
        models = torch.from_numpy(course.models).to(self.device)
        stages: list[tuple[str, Callable[[Tensor], Tensor]]] = []
        if self.options.warp:
            # a single stage, since the displacement is refined by all bands
            stages = [(_warped(self.bands[-1]), lambda start: self._warp(measurements, start, course))]
        for corner in self.bands:
            stages.append((name_of(corner), partial(self._run_band, measurements, corner, course)))
        for name, stage in stages:
            if name in course.finished:
                continue
            try:
                models = stage(models)
            except OutOfTimeError as stop:
                return np.asarray(stop.args[0].cpu().numpy(), np.float32)
            course.finish(name, models.cpu().numpy())
        return np.asarray(models.cpu().numpy(), np.float32)

    def samples_at_once(self) -> int:
        """Return the number of samples whose gradients fit the free memory of the GPU."""
        free, _ = torch.cuda.mem_get_info(self.device)
        return max(int(MEMORY_SHARE * free / self.bytes_per_sample()), 1)

    def bytes_per_sample(self) -> int:
        """Return the memory of the wavefields for the gradient of one sample [bytes], as deepwave estimates it."""
        physics, shots = self.physics, len(self.shots_of(0))
        estimate = deepwave.estimate_memory(
            "scalar",
            self.problem.grid.shape,
            self.survey.nt,
            shots,
            accuracy=physics.accuracy,
            pml_width=widths_of_frame(physics),
            model_gradient_sampling_interval=gradient_interval(self.survey, None),
            models_requiring_grad=["v"],
            device=self.device,
        )
        return int(estimate["total_bytes_lower_bound"])

    def _run_band(self, measurements: Maps, corner: float | None, course: Course, models: Tensor) -> Tensor:
        """Return the models after a band.

        Samples whose start explains the data of the band, and samples whose held-out shots it fits worse, keep their
        models.

        Raises:
            OutOfTimeError: The time budget is spent; holds the models.
        """
        number, options = self.bands.index(corner), self.options
        objective = self.objectives.of_band(measurements, models, corner)
        plain = self.objectives.of_band(measurements, models, corner, penalised=False)

        @cache
        @torch.no_grad()
        def misfit_at_start() -> Tensor:
            return plain(models)

        concerned = self._concerned(misfit_at_start, models, corner, course)
        if not concerned.any():
            return models
        unknown = self._update(misfit_at_start, models, corner, course)
        step = (options.step or self.step) * SHORTENING**number
        held_out, done = self.held_out(number), len(course.traces[0].steps)
        fitted = tuple(shot for shot in self._every if shot not in held_out)
        drawn = options.optimiser == "adam"

        lowest = LowestMisfit(partial(plain, shots=held_out)) if options.stop == "held-out" and held_out else None

        def gradient(velocity: Tensor, iteration: int) -> tuple[Array64, Tensor]:
            if lowest and iteration % CHECKED == 0:
                lowest.offer(velocity)
            number = done + iteration
            shots = self.shots_of(number, fitted) if drawn else fitted
            return self.gradient(partial(objective, iteration=number), velocity, shots)

        def note(iteration: int, misfits: Array64) -> bool:
            return course.step(name_of(corner), done + iteration, misfits)

        try:
            found, stopped = unknown.model(minimise(gradient, unknown, options, step, note)), False
        except OutOfTimeError as stop:
            found, stopped = stop.args[0], True
        if lowest:
            found = lowest.offer(found)
        kept = concerned & self._is_better(plain, models, found, held_out)
        found = torch.where(kept.view(-1, 1, 1, 1), found, models)
        if stopped:
            raise OutOfTimeError(found)
        return found

    def _concerned(
        self, misfit_at_start: Callable[[], Tensor], models: Tensor, corner: float | None, course: Course
    ) -> Tensor:
        """Return which samples `(n,)` a band changes: all in the last band, else those whose start does not fit it."""
        every = torch.ones(len(models), dtype=torch.bool, device=self.device)
        starts = np.stack([trace.models["start"] for trace in course.traces])
        still = (models == torch.from_numpy(starts).to(self.device)).flatten(1).all(1)
        if not self.options.explained or corner == self.bands[-1] or not still.any():
            return every
        return ~(still & (misfit_at_start() < self.options.explained + self.problem.noise**2))

    def _update(
        self, misfit_at_start: Callable[[], Tensor], models: Tensor, corner: float | None, course: Course
    ) -> Unknown:
        """Return the variable of a band: the change of the models before it is shortened, blurred and faded."""
        bounds = self.problem.property
        share, fade, width = self._share(misfit_at_start, models), self._fade(course), self._width(corner)

        def apply(update: Tensor) -> Tensor:
            moved = models + fade * blurred(share * update, width)
            return clipped(moved, bounds.low, bounds.high)

        return Unknown(
            start=torch.zeros_like(models),
            model=apply,
            cost=lambda update: update.new_zeros(()),
            limits=((bounds.low - models) / share, (bounds.high - models) / share),
        )

    def _share(self, misfit_at_start: Callable[[], Tensor], models: Tensor) -> Tensor:
        """Return the share of the steps of a band that is taken `(n, 1, 1, 1)`: less where the models fit it well."""
        if not (poor := self.options.poor_misfit()):
            return torch.ones_like(models[:, :, :1, :1])
        return (misfit_at_start() / poor).sqrt().clamp(LEAST, 1).view(-1, 1, 1, 1)

    def _width(self, corner: float | None) -> float:
        """Return the standard deviation of the blur of updates in a band [cells], which scales with the wavelength."""
        if corner is None:
            return 0.0
        bounds = self.problem.property
        # from the bounds and not from the models, so that samples of a batch do not influence each other
        return self.options.blur * (bounds.low + bounds.high) / 2 / corner / self.problem.grid.spacing

    @torch.no_grad()
    def _is_better(self, misfit: Objective, before: Tensor, after: Tensor, held_out: Shots) -> Tensor:
        """Return which models `(n,)` fit the held-out shots at least as well as the models before."""
        if not held_out:
            return torch.ones(len(before), dtype=torch.bool, device=self.device)
        return misfit(after, held_out) <= misfit(before, held_out)

    def held_out(self, number: int) -> Shots:
        """Return the held-out shots of a band, given by its number; they differ between bands."""
        count, order = self.options.holdout, np.random.default_rng([self._seed, 0]).permutation(self._every)
        if len(order) < max(FEWEST_SHOTS, count + 2):
            return ()
        return tuple(sorted(int(order[(number * count + i) % len(order)]) for i in range(count)))

    def _fade(self, course: Course) -> Tensor:
        """Return the factor of updates at each node `(n, 1, Z, X)`, which is the illumination."""
        if not self.options.illumination:
            return torch.ones((), device=self.device)
        weights = [
            illumination(self.problem, trace.models["start"], self.options.illumination) for trace in course.traces
        ]
        return torch.from_numpy(np.stack(weights)).to(self.device)

    def _warp(self, measurements: Maps, models: Tensor, course: Course) -> Tensor:
        """Return the models bent to fit all bands; samples whose last band is not fitted keep their models."""
        bounds, warp = self.problem.property, self.deform(models)
        far = torch.tensor(float(min(self.problem.grid.shape)), device=self.device)

        def bend(values: Tensor) -> Tensor:
            return warp.bend(values).clamp(bounds.low, bounds.high)

        unknown = Unknown(
            start=warp.rest,
            model=bend,
            cost=lambda values: self.options.stiffness * warp.strain(values),
            limits=(-far, far),
        )
        for corner in self.bands:
            objective = self.objectives.of_band(measurements, bend(unknown.start), corner, penalised=False)
            displacement = self._bend(objective, unknown, warp.step, corner, course)
            unknown = unknown._replace(start=displacement)
        bent = bend(unknown.start)
        objective = self.objectives.of_band(measurements, models, self.bands[-1], penalised=False)
        with torch.no_grad():
            explains = objective(bent) < WARP_LEFT + self.problem.noise**2
        return torch.where(explains.view(-1, 1, 1, 1), bent, models)

    def _bend(
        self, objective: Objective, unknown: Unknown, step: float, corner: float | None, course: Course
    ) -> Tensor:
        """Return the displacement after a band that begins with a step of Adam."""
        done = len(course.traces[0].steps)

        def gradient(velocity: Tensor, iteration: int) -> tuple[Array64, Tensor]:
            return self.gradient(objective, velocity, self.shots_of(done + iteration))

        def note(iteration: int, misfits: Array64) -> bool:
            return course.step(_warped(corner), done + iteration, misfits)

        return adam(gradient, unknown, AdamSettings(self.options.warp, step, WARP_DAMPING), note)

    def shots_of(self, iteration: int, among: Shots = ()) -> Shots:
        """Return the shots of an iteration: a random choice of as many as the options say, or all.

        Args:
            iteration: Number of the iteration, which seeds the choice.
            among: Shots to choose from; empty: all.
        """
        choice = among or self._every
        count = min(self.options.shots or len(choice), len(choice))
        drawn = np.random.default_rng([self._seed, iteration]).choice(choice, count, replace=False)
        return tuple(sorted(map(int, drawn)))

    def gradient(self, objective: Objective, velocity: Tensor, shots: Shots | None = None) -> tuple[Array64, Tensor]:
        """Return objectives `(n,)` and their gradients `(n, 1, Z, X)`, tapered at sources and receivers.

        Args:
            objective: The objective.
            velocity: Models `(n, 1, Z, X)` that require gradients.
            shots: Shots to simulate; None: all.
        """
        values = objective(velocity, shots)
        (gradient,) = torch.autograd.grad(values.sum(), velocity)
        return values.detach().double().cpu().numpy(), gradient * self._taper


def _warped(corner: float | None) -> str:
    """Return the name of a band in traces while the start is bent."""
    return f"{name_of(corner)} warp"


def blurred(maps: Tensor, width: float) -> Tensor:
    """Blur maps `(n, 1, Z, X)` by a Gaussian of standard deviation `width` [cells]; edges are continued."""
    half = math.ceil(REACH * width)
    if width < 0.25:
        return maps
    kernel = _kernel(width, half).to(maps)
    along = conv2d(pad(maps, (half, half, 0, 0), mode="replicate"), kernel.view(1, 1, 1, -1))
    return conv2d(pad(along, (0, 0, half, half), mode="replicate"), kernel.view(1, 1, -1, 1))


@lru_cache(maxsize=16)
def _kernel(width: float, half: int) -> Tensor:
    places = torch.arange(-half, half + 1, dtype=torch.float64)
    weights = torch.exp(-0.5 * (places / width).square())
    return weights / weights.sum()
