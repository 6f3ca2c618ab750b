"""Source wavelets, sampled on a survey's time axis."""

from __future__ import annotations

import math

import numpy as np

from fwibench.problem import SampledWavelet, SeismicSurvey
from fwibench.typing import Array32

HIGHEST = 3.0
"""Frequencies above so many times the wavelet's peak frequency hold next to no energy (a Ricker wavelet: 1e-3)."""
FEWEST = 10
"""Wavefields that are summed at least, where the record is short for its frequencies."""


def sample_wavelet(survey: SeismicSurvey) -> Array32:
    """The survey's wavelet at its `nt` time samples, shape `(T,)`; a Ricker wavelet has unit peak amplitude."""
    wavelet = survey.wavelet
    if isinstance(wavelet, SampledWavelet):
        signal = np.zeros(survey.nt, np.float32)
        given = np.asarray(wavelet.samples[: survey.nt], np.float32)
        signal[: len(given)] = given
        return signal
    argument = (np.pi * wavelet.frequency * (np.arange(survey.nt) * survey.dt - wavelet.delay)) ** 2
    return ((1.0 - 2.0 * argument) * np.exp(-argument)).astype(np.float32)


def gradient_interval(survey: SeismicSurvey, corner: float | None) -> int:
    """Time samples between the wavefields that a gradient sums.

    Args:
        survey: Its time axis and wavelet.
        corner: Upper corner of the frequency band [Hz]; None for the full band.

    Returns:
        The largest divisor of `nt` that samples the band's highest frequency, three times the wavelet's peak
        or four times the corner, twice a period; 1 where the time step itself is coarser than that.
    """
    highest = min(HIGHEST * survey.wavelet.frequency, 4 * (corner or math.inf))
    longest = min(max(int(1 / (2 * highest * survey.dt)), 1), max(survey.nt // FEWEST, 1))
    return max(step for step in range(1, longest + 1) if survey.nt % step == 0)
