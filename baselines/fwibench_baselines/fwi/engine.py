"""One batch of inversions, band after band.

Invariant: samples of a batch do not know of each other. The objective is a sum over samples and Adam is
elementwise, so a batch equals as many single inversions; options that would couple samples take one at a time.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import deepwave
import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize
from torch import Tensor

from fwibench.methods.traces import Course
from fwibench.physics.acoustic import simulate, widths_of_frame
from fwibench.physics.wavelets import sample_wavelet
from fwibench.problem import AcousticPhysics, Problem, SeismicSurvey
from fwibench_baselines.fwi.bands import bands_of, low_pass, name_of
from fwibench_baselines.fwi.discretisation import at_offsets, gradient_interval, resample, with_shots
from fwibench_baselines.fwi.misfits import MISFITS, PENALTIES
from fwibench_baselines.fwi.options import InversionOptions
from fwibench_baselines.fwi.warping import Warp

Maps = NDArray[np.float32]
Shots = tuple[int, ...]
Objective = Callable[..., Tensor]
DECAY = (0.9, 0.98)
"""Of Adam's means; the second forgets the large gradients of a band's beginning."""
SHORTENING = 0.7
"""Of Adam's first step from a band to the next."""
RELAXATION = 1 / 3
"""Of the penalties from a band to the next: their part is to fill in what low frequencies leave open."""
WATER_LEVEL = 1e-3
WARP_STEP = 0.3
"""First step of Adam in every band while a map is bent [cells]."""
WARP_DAMPING = 1e-8
"""Slope of the misfit [1/cells] below which a control point hardly moves."""
WARP_LEFT = 0.01
"""Misfit beside the noise that bending may leave; where it leaves more, shapes were wrong and the start stays."""


class OutOfTimeError(Exception):
    """The budget is spent; the model is as good as it will get."""


class Unknown(NamedTuple):
    """What Adam looks for, and the models that it stands for.

    Attributes:
        start: `(n, ...)`.
        model: Models `(n, 1, Z, X)` of a value.
        cost: Of a value, a number a sample, beside the objective of its models.
        limits: Of every entry.
        step: Adam's first.
        damping: Slope below which an entry hardly moves.
    """

    start: Tensor
    model: Callable[[Tensor], Tensor]
    cost: Callable[[Tensor], Tensor]
    limits: tuple[float, float]
    step: float
    damping: float


class Engine:
    """Inverts for one problem with one set of options.

    Args:
        problem: As the inversion simulates it, see `inversion_problem`.
        options: See `InversionOptions`.
        device: Where to compute.
        seed: Of the draw of shots.
    """

    def __init__(self, problem: Problem, options: InversionOptions, device: str, seed: int = 0) -> None:
        if not isinstance(problem.survey, SeismicSurvey) or not isinstance(problem.physics, AcousticPhysics):
            raise TypeError("waveform inversion needs a seismic survey and acoustic physics")
        self.problem, self.options, self.device = problem, options, device
        self.survey, self.physics = problem.survey, problem.physics
        self._every = tuple(range(len(self.survey.sources)))
        self._seed = seed
        self.bands = bands_of(self.survey, options.bands)
        self._taper = taper(problem, options.taper).to(device)
        gain = torch.arange(self.survey.nt)[:, None].mul(self.survey.dt).pow(options.gain)
        heard = torch.from_numpy(at_offsets(problem, options.mute)).float()
        self._weights = (gain * heard[:, None]).to(device)

    @property
    def alone(self) -> bool:
        """Whether samples would know of each other in a batch: by a line search or a wavelet that they share."""
        return self.options.optimiser == "l-bfgs-b" or self.options.wavelet == "estimated"

    def run(self, measurements: Maps, course: Course) -> Maps:
        """Inverts measurements `(n, S, T, R)` from the course's models, or goes on with its next band.

        Raises:
            ValueError: For a batch of more than one where samples must be `alone`.
        """
        if self.alone and len(measurements) > 1:
            raise ValueError(f"these options invert one sample at a time, not {len(measurements)}: see `Engine.alone`")
        measurements = resample(measurements, self.survey.nt)
        models = torch.from_numpy(course.models).to(self.device)
        stages: list[tuple[str, Callable[[Tensor], Tensor]]] = []
        if self.options.warp:
            # one stage: the start is bent once, by a displacement that all bands add to
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

    def objective(
        self, measurements: Maps, models: Tensor, corner: float | None, *, penalised: bool = True
    ) -> Objective:
        """Misfit and regularisation of a band, a number a sample.

        Args:
            measurements: `(n, S, T, R)` on the problem's time axis.
            models: `(n, 1, Z, X)`, to estimate the wavelet with.
            corner: Of the band [Hz].
            penalised: Whether with the penalties of the options.

        Returns:
            A function of models `(n, 1, Z, X)` and, if not all, the shots to simulate.
        """
        wavelet = sample_wavelet(self.survey)
        if self.options.wavelet == "estimated":
            wavelet = self._estimate_wavelet(measurements, models, wavelet)
        dt = self.survey.dt
        source = torch.from_numpy(low_pass(wavelet, corner, dt, axis=0)).to(self.device)
        weights = self._weights * self._heard(measurements)
        observed = torch.from_numpy(low_pass(measurements, corner, dt, axis=2)).to(self.device) * weights
        misfit, bounds = MISFITS[self.options.misfit], self.problem.property
        relaxed, options = RELAXATION ** self.bands.index(corner), self.options
        penalties = zip((relaxed * options.tv, options.decrease, relaxed * options.tikhonov), PENALTIES, strict=True)
        active = [(weight, penalty) for weight, penalty in penalties if weight and penalised]
        interval = gradient_interval(self.survey, corner)

        def evaluate(velocity: Tensor, shots: Shots | None = None) -> Tensor:
            chosen = self._every if shots is None else shots
            simulated = simulate(velocity, with_shots(self.problem, chosen), wavelet=source, gradient_interval=interval)
            total = misfit(simulated * weights[:, list(chosen)], observed[:, list(chosen)])
            maps = bounds.normalise(velocity)
            for weight, penalty in active:
                total = total + weight * penalty(maps)
            return total

        return evaluate

    def bytes_per_sample(self) -> int:
        """Memory that the wavefields of a sample's gradient take, by deepwave's estimate."""
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
        objective, options = self.objective(measurements, models, corner), self.options
        if options.optimiser == "l-bfgs-b":
            return self._l_bfgs_b(objective, models, corner, len(course.traces[0].steps), course)
        bounds = self.problem.property
        nodes = Unknown(
            start=models,
            model=torch.clone,
            cost=lambda velocity: velocity.new_zeros(()),
            limits=(bounds.low, bounds.high),
            step=options.step * SHORTENING ** self.bands.index(corner),
            damping=options.damping,
        )
        return self._adam(objective, nodes, options.iterations, name_of(corner), course)

    def _warp(self, measurements: Maps, models: Tensor, course: Course) -> Tensor:
        """Models bent to fit band after band, where that explains the data of the last."""
        bounds, warp = self.problem.property, Warp(models, self.options.warp_points)
        far = float(min(self.problem.grid.shape))

        def bend(values: Tensor) -> Tensor:
            return warp.bend(values).clamp(bounds.low, bounds.high)

        unknown = Unknown(
            start=warp.rest,
            model=bend,
            cost=lambda values: self.options.stiffness * warp.strain(values),
            limits=(-far, far),
            step=WARP_STEP,
            damping=WARP_DAMPING,
        )
        for corner in self.bands:
            objective = self.objective(measurements, bend(unknown.start), corner, penalised=False)
            displacement = self._adam(objective, unknown, self.options.warp, _warped(corner), course)
            unknown = unknown._replace(start=displacement)
        bent, objective = bend(unknown.start), self.objective(measurements, models, self.bands[-1], penalised=False)
        with torch.no_grad():
            explains = objective(bent) < WARP_LEFT + self.problem.noise**2
        return torch.where(explains.view(-1, 1, 1, 1), bent, models)

    def _adam(self, objective: Objective, unknown: Unknown, iterations: int, name: str, course: Course) -> Tensor:
        """Adam with a cosine course of the step, from the first to a quarter of it; clipped to the limits."""
        values, step, done = unknown.start.clone().requires_grad_(), unknown.step, len(course.traces[0].steps)
        optimiser = torch.optim.Adam([values], lr=step, betas=DECAY, eps=unknown.damping)
        for iteration in range(iterations):
            part = 0.5 * (1 + math.cos(math.pi * iteration / iterations))
            optimiser.param_groups[0]["lr"] = step * (0.25 + 0.75 * part)
            models = unknown.model(values)
            misfits, slope = self.gradient(objective, models.detach().requires_grad_(), self.shots_of(done + iteration))
            (values.grad,) = torch.autograd.grad((models * slope).sum() + unknown.cost(values).sum(), values)
            optimiser.step()
            with torch.no_grad():
                values.clamp_(*unknown.limits)
            if not course.step(name, done + iteration + 1, misfits):
                raise OutOfTimeError(unknown.model(values).detach())
        return values.detach()

    def _l_bfgs_b(
        self, objective: Objective, models: Tensor, corner: float | None, done: int, course: Course
    ) -> Tensor:
        """SciPy's L-BFGS-B on the normalised model of one sample."""
        bounds = self.problem.property
        latest = models

        def evaluate(flat: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
            nonlocal latest, done
            values = torch.from_numpy(flat.astype(np.float32)).view_as(models).to(self.device)
            latest = bounds.denormalise(values)
            misfits, gradient = self.gradient(objective, latest.clone().requires_grad_())
            done += 1
            if not course.step(name_of(corner), done, misfits):
                raise OutOfTimeError(latest)
            slope = gradient * ((bounds.high - bounds.low) / 2)
            return float(misfits[0]), slope.double().cpu().numpy().ravel()

        start = bounds.normalise(models).clamp(-1, 1).double().cpu().numpy().ravel()
        options: Any = {"maxfun": self.options.iterations, "maxiter": self.options.iterations}
        found = minimize(evaluate, start, jac=True, method="L-BFGS-B", bounds=[(-1, 1)] * len(start), options=options)
        return bounds.denormalise(torch.from_numpy(found.x.astype(np.float32)).view_as(models).to(self.device))

    def shots_of(self, iteration: int) -> Shots:
        """The shots of an iteration: all, or as many as the option says, drawn anew each time."""
        n = len(self._every)
        count = min(self.options.shots or n, n)
        drawn = np.random.default_rng([self._seed, iteration]).choice(n, count, replace=False)
        return tuple(sorted(map(int, drawn)))

    def gradient(
        self, objective: Objective, velocity: Tensor, shots: Shots | None = None
    ) -> tuple[NDArray[np.float64], Tensor]:
        """Objectives `(n,)`, and their gradients `(n, 1, Z, X)` tapered at sources and receivers."""
        values = objective(velocity, shots)
        (gradient,) = torch.autograd.grad(values.sum(), velocity)
        return values.detach().double().cpu().numpy(), gradient * self._taper

    @torch.no_grad()
    def _estimate_wavelet(self, measurements: Maps, models: Tensor, wavelet: NDArray[np.float32]) -> Any:
        """The wavelet that brings the simulation of the current models nearest to the shots.

        A filter for all shots by least squares, frequency by frequency.
        """
        length = 2 * self.survey.nt
        source = torch.from_numpy(wavelet).to(self.device)
        shots = simulate(models, self.problem, wavelet=source) * self._heard(measurements)
        simulated = torch.fft.rfft(shots, length, dim=2)
        observed = torch.fft.rfft(torch.from_numpy(measurements).to(self.device), length, dim=2)
        power = simulated.abs().square().sum((0, 1, 3))
        match = (observed * simulated.conj()).sum((0, 1, 3)) / (power + WATER_LEVEL * power.max())
        spectrum = torch.fft.rfft(source, length) * match
        return torch.fft.irfft(spectrum, length)[: self.survey.nt].cpu().numpy().astype(np.float32)

    def _heard(self, measurements: Maps) -> Tensor:
        """Which traces are there `(n, S, 1, R)`; a missing one is zero throughout."""
        return torch.from_numpy(measurements.any(axis=2, keepdims=True)).to(self.device)


def _warped(corner: float | None) -> str:
    """How a band is called in traces while the start is bent."""
    return f"{name_of(corner)} warp"


def taper(problem: Problem, cells: float) -> Tensor:
    """Weights of the gradient `(Z, X)`: 0 at sources and receivers, 1 some cells away."""
    weights = torch.ones(problem.grid.shape)
    if not cells:
        return weights
    survey, spacing = problem.survey, problem.grid.spacing
    z, x = torch.meshgrid(*(torch.arange(n) * spacing for n in problem.grid.shape), indexing="ij")
    receivers = itertools.chain(survey.receivers, *getattr(survey, "shot_receivers", ()))
    for place in {*survey.sources, *receivers}:
        squared = ((z - place.z) ** 2 + (x - place.x) ** 2) / (cells * spacing) ** 2
        weights = torch.minimum(weights, 1 - torch.exp(-squared))
    return weights
