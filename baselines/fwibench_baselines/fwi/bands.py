"""Frequency bands, from low to high.

Invariant: filters are causal. A zero-phase filter would move energy of the wavelet before time zero, where it is cut
off, so that simulation and data would differ.
"""

from __future__ import annotations

import numpy as np
from scipy.signal import butter, sosfilt

from fwibench.problem import SeismicSurvey
from fwibench.typing import Array32
from fwibench_baselines.fwi.options import corners_of

ORDER = 4
"""Order of the Butterworth filter."""
NEAR_NYQUIST = 0.9
"""Largest corner over the Nyquist frequency; above it a low-pass filter changes little but the phase."""
PERIODS = 0.5
"""Smallest length of the record in periods of a corner; in a shorter record such a wave does not change sign."""


def bands_of(survey: SeismicSurvey, bands: str) -> tuple[float | None, ...]:
    """Return the upper corners of the bands [Hz]; None is the full band.

    Corners outside of the limits that `PERIODS` and `NEAR_NYQUIST` set are left out, and so is the second of two with
    the same name. Without any corner there is the full band only.

    Args:
        survey: Survey with the source, the time step and the length of the record.
        bands: See `InversionOptions.bands`.
    """
    asked = corners_of(bands, survey.wavelet.frequency)
    lowest, highest = PERIODS / (survey.nt * survey.dt), NEAR_NYQUIST * 0.5 / survey.dt
    usable = {name_of(corner): corner for corner in asked if corner is None or lowest <= corner <= highest}
    return tuple(usable.values()) or (None,)


def name_of(corner: float | None) -> str:
    """Return the name of a band in traces."""
    return "full" if corner is None else f"{corner:g} Hz"


def low_pass(signals: Array32, corner: float | None, dt: float, axis: int) -> Array32:
    """Return signals after a Butterworth low-pass filter along time.

    Args:
        signals: Signals of any shape.
        corner: Corner frequency [Hz]; None: signals are returned unchanged.
        dt: Time step [s].
        axis: Axis of time.
    """
    if corner is None:
        return signals
    sections = butter(ORDER, corner, fs=1 / dt, output="sos")
    return sosfilt(sections, signals.astype(np.float64), axis=axis).astype(np.float32)
