"""Objectives of an inversion: the misfit of a band, and what is added to it.

Invariant: an objective is a number a sample; samples of a batch do not know of each other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from fwibench.physics.acoustic import simulate
from fwibench.physics.wavelets import gradient_interval, sample_wavelet
from fwibench.problem import Problem, SeismicSurvey
from fwibench.samples import evenly_spaced
from fwibench.typing import Array32, Maps
from fwibench_baselines.fwi.bands import bands_of, low_pass
from fwibench_baselines.fwi.discretisation import at_offsets, resample
from fwibench_baselines.fwi.misfits import MISFITS, PENALTIES
from fwibench_baselines.fwi.options import RELAXATION, InversionOptions
from fwibench_baselines.fwi.shots import Each, Shots, simulate_shots

Objective = Callable[..., Tensor]
WATER_LEVEL = 1e-3
SCANNED = 3
"""Shots that judge start models."""


class Objectives:
    """Makes the objectives of a problem.

    Args:
        problem: As the inversion simulates it, see `inversion_problem`.
        options: See `InversionOptions`.
        device: Where to compute.

    Attributes:
        each: Runs the shots of an iteration one by one, as `map` does, or in the threads of a pool; results are the
            same. Not used on a GPU.
    """

    def __init__(self, problem: Problem, options: InversionOptions, device: str) -> None:
        if not isinstance(problem.survey, SeismicSurvey):
            raise TypeError("waveform inversion needs a seismic survey")
        self._problem, self._survey, self._options, self._device = problem, problem.survey, options, device
        self._bands = bands_of(problem.survey, options.bands)
        self._every = tuple(range(len(problem.survey.sources)))
        self.each: Each = map
        gain = torch.arange(problem.survey.nt)[:, None].mul(problem.survey.dt).pow(options.gain)
        heard = torch.from_numpy(at_offsets(problem, options.mute)).float()
        self._weights = (gain * heard[:, None]).to(device)

    def of_band(self, measurements: Maps, models: Tensor, corner: float | None, *, penalised: bool = True) -> Objective:
        """Misfit and regularisation of a band, a number a sample.

        Args:
            measurements: `(n, S, T, R)` on the problem's time axis.
            models: `(n, 1, Z, X)`, to estimate the wavelet with.
            corner: Of the band [Hz].
            penalised: Whether with the penalties of the options.

        Returns:
            A function of models `(n, 1, Z, X)` and, if not all, the shots to simulate.
        """
        wavelet = sample_wavelet(self._survey)
        if self._options.wavelet == "estimated":
            wavelet = self._estimate_wavelet(measurements, models, wavelet)
        dt = self._survey.dt
        source = torch.from_numpy(low_pass(wavelet, corner, dt, axis=0)).to(self._device)
        weights = self._weights * self._heard(measurements)
        observed = torch.from_numpy(low_pass(measurements, corner, dt, axis=2)).to(self._device) * weights
        misfit, bounds = MISFITS[self._options.misfit], self._problem.property
        relaxed, options = RELAXATION ** self._bands.index(corner), self._options
        penalties = zip((relaxed * options.tv, options.decrease, relaxed * options.tikhonov), PENALTIES, strict=True)
        active = [(weight, penalty) for weight, penalty in penalties if weight and penalised]
        interval = gradient_interval(self._survey, corner)
        each = self.each if self._device == "cpu" else None

        def evaluate(velocity: Tensor, shots: Shots | None = None) -> Tensor:
            chosen = self._every if shots is None else shots
            simulated = simulate_shots(velocity, self._problem, chosen, source, interval, each)
            total = misfit(simulated * weights[:, list(chosen)], observed[:, list(chosen)])
            maps = bounds.normalise(velocity)
            for weight, penalty in active:
                total = total + weight * penalty(maps)
            return total

        return evaluate

    def misfit_of(self, measurement: Maps) -> Callable[[Maps], float]:
        """What tells how well a model `(1, Z, X)` explains a measurement `(1, S, T, R)` in the lowest band.

        A few shots, spread over the survey, are simulated.
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
        """The wavelet that brings the simulation of the current models nearest to the shots.

        A filter for all shots by least squares, frequency by frequency.
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

    def _heard(self, measurements: Maps) -> Tensor:
        """Which traces are there `(n, S, 1, R)`; a missing one is zero throughout."""
        return torch.from_numpy(measurements.any(axis=2, keepdims=True)).to(self._device)
