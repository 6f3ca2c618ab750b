"""How finely wavefields in time are sampled where a gradient sums them."""

from __future__ import annotations

import math

from fwibench.problem import SeismicSurvey

HIGHEST = 3.0
"""Frequencies above so many times the wavelet's peak frequency hold next to no energy (a Ricker wavelet: 1e-3)."""
FEWEST = 10
"""Wavefields that are summed at least, where the record is short for its frequencies."""


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
