"""Source wavelets, sampled on a survey's time axis."""

from __future__ import annotations

import numpy as np

from fwibench.problem import SampledWavelet, SeismicSurvey
from fwibench.typing import Array32


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
