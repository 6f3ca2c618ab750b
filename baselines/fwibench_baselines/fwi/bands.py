"""Frequency bands, from low to high.

Invariant: filters are causal. A zero-phase filter would move a wavelet's energy before time zero, where it
is cut off, and simulation and data would no longer match.
"""

from __future__ import annotations

import numpy as np
from scipy.signal import butter, sosfilt

from fwibench.problem import SeismicSurvey
from fwibench.typing import Array32
from fwibench_baselines.fwi.options import AUTO, parse_bands

ORDER = 4
DIGITS = 3
"""Significant digits of a corner that is derived from the source's frequency."""
NEAR_NYQUIST = 0.9
"""Part of the Nyquist frequency from which on a low-pass filter does nothing but change the phase."""
PERIODS = 0.5
"""Periods of a corner that the record must hold at least; in a shorter record such a wave does not change sign."""


def bands_of(survey: SeismicSurvey, bands: str) -> tuple[float | None, ...]:
    """Upper corners [Hz], None for the full band.

    A corner that the record cannot tell from zero frequency, or that lies too near to the Nyquist frequency, is left
    out; so is the second of two that are called the same. The full band then takes the place of a list that is left
    empty.

    Args:
        survey: Its source, time step and length of the record.
        bands: As in `InversionOptions.bands`.
    """
    asked: tuple[float | None, ...] = parse_bands(bands) if bands not in AUTO else ()
    if bands in AUTO:
        asked = (*(_rounded(survey.wavelet.frequency * part) for part in AUTO[bands]), None)
    lowest, highest = PERIODS / (survey.nt * survey.dt), NEAR_NYQUIST * 0.5 / survey.dt
    usable = {name_of(corner): corner for corner in asked if corner is None or lowest <= corner <= highest}
    return tuple(usable.values()) or (None,)


def name_of(corner: float | None) -> str:
    """How a band is called in traces."""
    return "full" if corner is None else f"{corner:g} Hz"


def low_pass(signals: Array32, corner: float | None, dt: float, axis: int) -> Array32:
    """Butterworth filter along the time axis; None leaves the signals as they are."""
    if corner is None:
        return signals
    sections = butter(ORDER, corner, fs=1 / dt, output="sos")
    return sosfilt(sections, signals.astype(np.float64), axis=axis).astype(np.float32)


def _rounded(corner: float) -> float:
    """To so many significant digits, whatever its size."""
    return float(f"{corner:.{DIGITS}g}")
