"""Plausibility of units, time axis, wavelengths and sizes.

Invariant: an impossible value is an error with the likely unit, an unusual one a note. Values are compared with one
another (period, record, wavelength, section), so the checks hold from the laboratory to the crust.
"""

from __future__ import annotations

from fwibench.datasets.user.value_ranges import ValueRange
from fwibench.errors import DataError, UsageError
from fwibench.problem import Grid, SeismicSurvey

KILO = 1000.0
HOUR = 3600.0
BANDWIDTH = 2.5
"""A Ricker wavelet has 4 % of its peak spectrum at this many times its peak frequency."""
TINY_SECTION = 0.1
"""Smallest size of a section in longest wavelengths; the waves cannot resolve a smaller one."""
COARSEST = 2.0
"""Fewest nodes of the shortest wavelength at the peak frequency: two are the Nyquist limit."""
FEET_MEAN = 9000.0
"""A mean velocity above this [m/s] is faster than the uppermost mantle, so it is likely in feet per second."""


def check_time_axis(survey: SeismicSurvey, *, delay_given: bool) -> list[str]:
    """Compare time step, source frequency and length of the record with one another.

    Args:
        survey: Survey made from the user's options.
        delay_given: Whether the user gives its delay.

    Returns:
        Notes on unusual values.

    Raises:
        UsageError: The values cannot be right together.
    """
    frequency, dt, length = survey.wavelet.frequency, survey.dt, survey.nt * survey.dt
    nyquist, period = 0.5 / dt, 1 / frequency
    if frequency >= nyquist:
        better = f"; in milliseconds it is --dt {dt / KILO:g}" if frequency < KILO * nyquist else ""
        raise UsageError(
            f"the source of {frequency:g} Hz lies above {nyquist:g} Hz, the Nyquist frequency of --dt {dt:g} s",
            f"--dt is in s{better}; --frequency is in Hz",
        )
    if length > HOUR:
        raise UsageError(
            f"--dt {dt:g} s makes records of {length / HOUR:.3g} hours ({survey.nt} time samples)",
            "--dt is in s, and measurements are (n, S, T, R): sources, time, receivers",
        )
    if delay_given and survey.wavelet.delay > length:
        better = f": in milliseconds it is --delay {survey.wavelet.delay / KILO:g}"
        raise UsageError(
            f"the wavelet peaks at {survey.wavelet.delay:g} s, after the end of the record at {length:g} s",
            f"--delay is in s{better if survey.wavelet.delay < KILO * length else ''}",
        )
    if dt < 1e-3 * period:
        raise UsageError(
            f"--dt {dt:g} s takes {period / dt:.3g} samples of one period of the source ({period:g} s)",
            f"--dt is in s: in milliseconds --dt {dt * KILO:g} is meant" if dt * KILO < period else "--dt is in s",
        )
    notes = []
    if length < period:
        notes.append(
            f"check --dt: the record of {length:.3g} s is shorter than one period of the source ({period:.3g} s)"
        )
    if BANDWIDTH * frequency > nyquist:
        notes.append(
            f"check --dt: a source of {frequency:g} Hz has energy above {nyquist:g} Hz, the Nyquist frequency of "
            f"{dt:g} s"
        )
    return notes


def check_section(survey: SeismicSurvey, grid: Grid, velocity: ValueRange, unit: str) -> list[str]:
    """Compare spacing and velocities with the wavelengths of the source.

    Args:
        survey: Gives the peak frequency.
        grid: Grid of the maps.
        velocity: Range of the velocities in the files.
        unit: Unit of the velocity; only m/s and km/s are checked.

    Returns:
        Notes on unusual values.

    Raises:
        UsageError: The spacing cannot be right.
        DataError: The velocities cannot be right.
    """
    if unit not in ("m/s", "km/s"):
        return []
    if velocity.low <= 0:
        raise DataError(
            f"the velocity is {velocity.low:g} to {velocity.high:g} {unit}, expected values above 0",
            "fill or remove maps with missing values; a wave does not travel at velocity 0",
        )
    metres = KILO if unit == "km/s" else 1.0
    shortest, longest = (metres * one / survey.wavelet.frequency for one in (velocity.low, velocity.high))
    size = (max(grid.shape) - 1) * grid.spacing
    if size < TINY_SECTION * longest:
        raise UsageError(
            f"--spacing {grid.spacing:g} m makes a section of {(grid.nx - 1) * grid.spacing:g} x "
            f"{(grid.nz - 1) * grid.spacing:g} m, the source's waves are {shortest:.3g} to {longest:.3g} m long",
            f"--spacing is in m: in kilometres --spacing {grid.spacing * KILO:g} is meant; --frequency is in Hz",
        )
    if grid.spacing > 10 * longest:
        raise UsageError(
            f"--spacing {grid.spacing:g} m is more than 10 of the longest wavelengths of the source ({longest:.3g} m)",
            f"--spacing is in m: in millimetres --spacing {grid.spacing / KILO:g} is meant; --frequency is in Hz",
        )
    notes = []
    if shortest < COARSEST * grid.spacing:
        notes.append(
            f"check --spacing and --frequency: the shortest wavelength of {shortest:.3g} m has "
            f"{shortest / grid.spacing:.2g} nodes"
        )
    if metres * velocity.mean > FEET_MEAN:
        notes.append(f"check --unit: a mean velocity of {velocity.mean:.4g} {unit} suggests feet per second")
    return notes
