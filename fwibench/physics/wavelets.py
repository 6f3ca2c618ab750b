"""Source wavelets, sampled on a survey's time axis."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from fwibench.problem import SeismicSurvey


def sample_wavelet(survey: SeismicSurvey) -> NDArray[np.float32]:
    """The survey's Ricker wavelet at its `nt` time samples, unit peak amplitude, shape `(T,)`."""
    wavelet = survey.wavelet
    argument = (np.pi * wavelet.frequency * (np.arange(survey.nt) * survey.dt - wavelet.delay)) ** 2
    return ((1.0 - 2.0 * argument) * np.exp(-argument)).astype(np.float32)
