"""Frequency bands, from low to high.

Invariant: filters are causal. A zero-phase filter would move a wavelet's energy before time zero, where it
is cut off, and simulation and data would no longer match.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

from fwibench.problem import SeismicSurvey
from fwibench_baselines.fwi.options import AUTO, parse_bands

ORDER = 4


def bands_of(survey: SeismicSurvey, bands: str) -> tuple[float | None, ...]:
    """Upper corners [Hz], None for the full band."""
    if bands in AUTO:
        return (*(round(survey.wavelet.frequency * part, 1) for part in AUTO[bands]), None)
    return parse_bands(bands)


def name_of(corner: float | None) -> str:
    """How a band is called in traces."""
    return "full" if corner is None else f"{corner:g} Hz"


def low_pass(signals: NDArray[np.float32], corner: float | None, dt: float, axis: int) -> NDArray[np.float32]:
    """Butterworth filter along the time axis; None leaves the signals as they are."""
    if corner is None:
        return signals
    sections = butter(ORDER, corner, fs=1 / dt, output="sos")
    return sosfilt(sections, signals.astype(np.float64), axis=axis).astype(np.float32)
