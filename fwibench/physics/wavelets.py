"""Source wavelets on the time axis of a survey, and the sampling of wavefields that their frequencies need."""

from __future__ import annotations

import math

import numpy as np

from fwibench.problem import SampledWavelet, SeismicSurvey
from fwibench.typing import Array32

HIGHEST = 3.0
"""Highest frequency of a wavelet over its peak frequency: beyond it the spectrum of a Ricker wavelet is below 0.3 %."""
FEWEST = 10
"""Smallest number of wavefields that a gradient sums, for records that are short for their frequencies."""


def sample_wavelet(survey: SeismicSurvey) -> Array32:
    """Return the wavelet of a survey at its time samples `(T,)`; a Ricker wavelet has unit peak amplitude."""
    wavelet = survey.wavelet
    if isinstance(wavelet, SampledWavelet):
        signal = np.zeros(survey.nt, np.float32)
        given = np.asarray(wavelet.samples[: survey.nt], np.float32)
        signal[: len(given)] = given
        return signal
    argument = (np.pi * wavelet.frequency * (np.arange(survey.nt) * survey.dt - wavelet.delay)) ** 2
    return ((1.0 - 2.0 * argument) * np.exp(-argument)).astype(np.float32)


def gradient_interval(survey: SeismicSurvey, corner: float | None) -> int:
    """Return the number of time samples between the wavefields that a gradient sums.

    Args:
        survey: Time axis and wavelet.
        corner: Upper corner of the frequency band [Hz]; None: full band.

    Returns:
        The largest divisor of `nt` that samples a period of the highest frequency of the band twice: three times the
        peak frequency of the wavelet, or four times the corner. 1 where the time step is coarser than that.
    """
    highest = min(HIGHEST * survey.wavelet.frequency, 4 * (corner or math.inf))
    longest = min(max(int(1 / (2 * highest * survey.dt)), 1), max(survey.nt // FEWEST, 1))
    return max(step for step in range(1, longest + 1) if survey.nt % step == 0)
