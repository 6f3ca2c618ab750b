"""Filters along the time axis of seismic measurements: another peak frequency of the source, another origin of time.

A seismogram is the wavelet convolved with the response of the medium, since acoustics are linear. Its spectrum divided
by that of the wavelet and multiplied by that of another wavelet is therefore the seismogram of that other source.

Invariant: nothing wraps around from one end of a record to the other.
"""

from __future__ import annotations

import numpy as np

from fwibench.problem import SeismicSurvey
from fwibench.typing import Array32, Array64

FLOOR = 1e-3
"""Spectrum of the wavelet, relative to its largest value, at which the stabilisation halves the filter. A Ricker
wavelet reaches it at 3.2 times its peak frequency; see `wavelet_ratio` for the effect."""


def filter_traces(measurement: Array32, survey: SeismicSurvey, wavelet_shift: float, time_shift: float) -> Array32:
    """Return a measurement with another peak frequency of the source and another origin of time.

    The record is continued by zeros, and what is moved out of it is lost. A record that ends before its signal does
    is wrong in its last wavelet length, since the filter would need what came after the end.

    Args:
        measurement: Pressure `(S, T, R)`.
        survey: Survey with the time axis, and the Ricker wavelet of the measurement if `wavelet_shift` is not 0.
        wavelet_shift: Relative change of the peak frequency; the peak keeps its time.
        time_shift: Shift of the time axis [s], positive for later; it need not be a multiple of the time step.

    Returns:
        Pressure of the same shape.
    """
    from scipy.fft import irfft, next_fast_len, rfft

    nt = measurement.shape[1]
    # room for the shift, and as much again as a record for the response of the filter
    padded = next_fast_len(2 * nt + int(np.ceil(abs(time_shift) / survey.dt)), real=True)
    frequencies = np.fft.rfftfreq(padded, survey.dt).astype(np.float64)
    response = np.exp(-2j * np.pi * frequencies * time_shift)
    if wavelet_shift:
        response *= wavelet_ratio(frequencies / survey.wavelet.frequency, wavelet_shift)
    # scipy keeps single precision, which takes an eighth of the time of double precision
    spectrum = rfft(measurement, padded, axis=1)
    spectrum *= response.astype(np.complex64)[:, None]
    filtered: Array32 = irfft(spectrum, padded, axis=1)[:, :nt]
    return filtered


def wavelet_ratio(frequencies: Array64, shift: float) -> Array64:
    """Return the spectrum of a Ricker wavelet of another peak frequency over that of the original, stabilised.

    Both wavelets have unit peak amplitude at the same time, so the ratio is real. Above the peak frequency it is
    multiplied by `w^2 / (w^2 + FLOOR^2)`, where `w` is the spectrum of the original over its maximum. Without that, the
    rounding errors of frequencies that the source never emitted would be amplified without limit. The largest
    amplification is 8 for a shift of 0.2 and 17 for 0.3, and the part of the other wavelet that is lost has 0.5 % and
    1.2 % of its norm; a lower peak frequency loses less than 0.03 %.

    Args:
        frequencies: Frequencies over the peak frequency of the original wavelet, 0 or more.
        shift: Relative change of the peak frequency.
    """
    squared = np.square(frequencies)
    factor = 1 + shift
    original = squared * np.exp(1 - squared)
    # the product in one exponential: the ratio alone overflows
    weakened = np.where(frequencies > 1, np.square(original) / (np.square(original) + FLOOR**2), 1.0)
    growth = np.exp(np.minimum(squared * (1 - factor**-2), 700.0))
    ratio: Array64 = factor**-3 * np.where(weakened > 0, weakened * growth, 0.0)
    return ratio
