"""Objectives of an inversion: the misfit of a band and its penalties.

Invariant: an objective is one number per sample, and samples of a batch do not influence each other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fwibench.physics.acoustic import simulate
from fwibench.physics.wavelets import gradient_interval, sample_wavelet
from fwibench.problem import Problem, seismic_survey
from fwibench.samples import evenly_spaced
from fwibench.typing import Array32, Maps
from fwibench_baselines.fwi.bands import bands_of, low_pass
from fwibench_baselines.fwi.discretisation import at_offsets, averaged, coarse, resample
from fwibench_baselines.fwi.grids import coarseness
from fwibench_baselines.fwi.misfits import MISFITS, PENALTIES
from fwibench_baselines.fwi.options import RELAXATION, InversionOptions
from fwibench_baselines.fwi.shots import Each, Shots, simulate_shots

Objective = Callable[..., Tensor]
"""Objective `(n,)` of models `(n, 1, Z, X)` and, optionally, the shots to simulate and the number of the iteration."""
Prior = Callable[[Tensor, int], Tensor]
"""Penalty `(n,)` of normalised models `(n, 1, Z, X)` and the number of the iteration, which seeds random numbers."""
WATER_LEVEL = 1e-3
"""Regularisation of the estimated wavelet, over the largest power of its spectrum."""
SCANNED = 3
"""Number of shots that start models are compared on."""


class Objectives:
    """Makes the objectives of a problem.

    Args:
        problem: Problem as the inversion simulates it, see `inversion_problem`.
        options: Options of the inversion.
        device: Device of the computation.

    Attributes:
        each: Applies a function to each shot of an iteration: `map`, or the `map` of a thread pool, with the same
            results. Not used on a GPU.
        prior: Penalty that is added to those of the options; None: none.
    """

    def __init__(self, problem: Problem, options: InversionOptions, device: str) -> None:
        self._problem, self._survey, self._options, self._device = problem, seismic_survey(problem), options, device
        self._bands = bands_of(self._survey, options.bands)
        self._every = tuple(range(len(problem.survey.sources)))
        self.each: Each = map
        self.prior: Prior | None = None

    def problem_of(self, corner: float | None) -> Problem:
        """Return the problem as a band simulates it.

        Args:
            corner: Upper corner of the band [Hz]; None: full band.
        """
        return coarse(self._problem, coarseness(self._problem, corner, self._options.nodes))

    def of_band(self, measurements: Maps, models: Tensor, corner: float | None, *, penalised: bool = True) -> Objective:
        """Return the objective of a band.

        Args:
            measurements: Observed measurements `(n, S, T, R)` on the time axis of the problem.
            models: Models `(n, 1, Z, X)` for the estimate of the wavelet.
            corner: Upper corner of the band [Hz]; None: full band.
            penalised: Whether `prior` and the penalties of the options are added to the misfit.
        """
        wavelet = sample_wavelet(self._survey)
        if self._options.wavelet == "estimated":
            wavelet = self._estimate_wavelet(measurements, models, wavelet)
        problem, dt = self.problem_of(corner), self._survey.dt
        factor, survey = round(problem.grid.spacing / self._problem.grid.spacing), seismic_survey(problem)
        signal = resample(low_pass(wavelet, corner, dt, axis=0)[None, None, :, None], survey.nt).ravel()
        source = torch.from_numpy(signal).to(self._device)
        weights = self._weights(problem) * self._heard(measurements)
        limited = resample(low_pass(measurements, corner, dt, axis=2), survey.nt)
        observed = torch.from_numpy(limited).to(self._device) * weights
        misfit, bounds = MISFITS[self._options.misfit], self._problem.property
        relaxed, options = RELAXATION ** self._bands.index(corner), self._options
        penalties = zip((relaxed * options.tv, options.decrease, relaxed * options.tikhonov), PENALTIES, strict=True)
        active = [(weight, penalty) for weight, penalty in penalties if weight and penalised]
        interval = gradient_interval(survey, corner)
        each = self.each if self._device == "cpu" else None

        def evaluate(velocity: Tensor, shots: Shots | None = None, iteration: int = 0) -> Tensor:
            chosen = self._every if shots is None else shots
            simulated = simulate_shots(averaged(velocity, factor), problem, chosen, source, interval, each)
            total = misfit(simulated * weights[:, list(chosen)], observed[:, list(chosen)])
            maps = bounds.normalise(velocity)
            for weight, penalty in active:
                total = total + weight * penalty(maps)
            if self.prior and penalised:
                total = total + self.prior(maps, iteration)
            return total

        return evaluate

    def misfit_of(self, measurement: Maps) -> Callable[[Maps], float]:
        """Return the misfit of models `(1, Z, X)` with a measurement `(1, S, T, R)` in the lowest band.

        `SCANNED` shots, spread over the survey, are simulated.
        """
        shots = tuple(map(int, evenly_spaced(len(self._every), SCANNED)))
        resampled = resample(measurement, self._survey.nt)
        known = torch.zeros((1, 1, *self._problem.grid.shape), device=self._device) + self._problem.property.low
        objective = self.of_band(resampled, known, self._bands[0], penalised=False)

        def evaluate(model: Maps) -> float:
            with torch.no_grad():
                return float(objective(torch.from_numpy(model[None]).to(self._device), shots)[0])

        return evaluate

    @torch.no_grad()
    def _estimate_wavelet(self, measurements: Maps, models: Tensor, wavelet: Array32) -> Any:
        """Return the wavelet `(T,)` whose simulation with the current models fits the shots best.

        It is the known wavelet after a least-squares filter for all shots, frequency by frequency.
        """
        length = 2 * self._survey.nt
        source = torch.from_numpy(wavelet).to(self._device)
        shots = simulate(models, self._problem, wavelet=source) * self._heard(measurements)
        simulated = torch.fft.rfft(shots, length, dim=2)
        observed = torch.fft.rfft(torch.from_numpy(measurements).to(self._device), length, dim=2)
        power = simulated.abs().square().sum((0, 1, 3))
        match = (observed * simulated.conj()).sum((0, 1, 3)) / (power + WATER_LEVEL * power.max())
        spectrum = torch.fft.rfft(source, length) * match
        return torch.fft.irfft(spectrum, length)[: self._survey.nt].cpu().numpy().astype(np.float32)

    def _weights(self, problem: Problem) -> Tensor:
        """Return the weights of traces `(S, T, R)`: a power of time, and 0 near the source."""
        survey = seismic_survey(problem)
        gain = torch.arange(survey.nt)[:, None].mul(survey.dt).pow(self._options.gain)
        heard = torch.from_numpy(at_offsets(problem, self._options.mute)).float()
        return (gain * heard[:, None]).to(self._device)

    def _heard(self, measurements: Maps) -> Tensor:
        """Return which traces are present `(n, S, 1, R)`; a missing trace is zero throughout."""
        return torch.from_numpy(measurements.any(axis=2, keepdims=True)).to(self._device)
