"""The survey of added data, from what the user says and the shapes of the files."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from fwibench.errors import UsageError
from fwibench.problem import ElectromagneticSurvey, Grid, Point, Ricker, SeismicSurvey

if TYPE_CHECKING:
    from fwibench.datasets.added.adding import Addition

MOST_PLACES = 100_000
Survey = SeismicSurvey | ElectromagneticSurvey


def make_survey(wanted: Addition, shape: tuple[int, int, int], grid: Grid) -> tuple[Survey, tuple[str, ...]]:
    """The survey of measurements `(S, T, R)`, and notes on what was assumed.

    Raises:
        UsageError: Places, frequencies or axes do not fit the shapes.
    """
    sources, middle, receivers = shape
    notes = []
    places = []
    for what, text, count in (("source", wanted.source_x, sources), ("receiver", wanted.receiver_x, receivers)):
        if not text:
            notes.append(f"assumed: {count} {what}s, evenly spread over the section")
        x = read_places(text, what) if text else _spread(count, (grid.nx - 1) * grid.spacing)
        _check_places(x, what, shape, grid)
        places.append(tuple(Point(x=one, z=wanted.depth) for one in x))
    if wanted.kind == "em":
        frequencies = tuple(_numbers(wanted.frequencies, "--frequencies"))
        if 2 * len(frequencies) != middle:
            raise UsageError(
                f"{len(frequencies)} frequencies need {2 * len(frequencies)} rows of real and imaginary parts, "
                f"measurements are {shape}",
                "measurements are (n, S, 2 F, R): real and imaginary part of each frequency in turn",
            )
        return ElectromagneticSurvey(sources=places[0], receivers=places[1], frequencies=frequencies), tuple(notes)
    if wanted.dt is None or wanted.frequency is None:
        raise UsageError("seismic data need --dt and --frequency", "SEG-Y files without a time step need --dt as well")
    if not wanted.frequency > 0:
        raise UsageError(f"--frequency is {wanted.frequency:g} Hz, expected more than 0")
    if middle < receivers:
        notes.append(f"check the axes: {middle} time samples and {receivers} receivers; they must be (n, S, T, R)")
    delay = 1 / wanted.frequency if wanted.delay is None else wanted.delay
    if wanted.delay is None:
        notes.append(f"assumed: the wavelet peaks at {delay:.4g} s")
    wavelet = Ricker(frequency=wanted.frequency, delay=delay)
    survey = SeismicSurvey(sources=places[0], receivers=places[1], nt=middle, dt=wanted.dt, wavelet=wavelet)
    return survey, tuple(notes)


def read_places(text: str, what: str) -> list[float]:
    """`0,150,300` or `first:last:count` to places [m]."""
    parts = text.split(":")
    if len(parts) == 1:
        return _numbers(text, f"--{what}-x")
    try:
        first, last, count = float(parts[0]), float(parts[1]), int(parts[2])
        if not (0 < count <= MOST_PLACES and math.isfinite(first) and math.isfinite(last)):
            raise ValueError(text)
    except (ValueError, IndexError) as error:
        raise UsageError(f"--{what}-x is '{text}', expected 0,150,300 or first:last:count") from error
    return [first + one for one in _spread(count, last - first)]


def _numbers(text: str, option: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError as error:
        raise UsageError(f"{option} is '{text}', expected numbers separated by commas") from error


def _spread(count: int, length: float) -> list[float]:
    return [length * i / (count - 1) for i in range(count)] if count > 1 else [length / 2]


def _check_places(x: list[float], what: str, shape: tuple[int, int, int], grid: Grid) -> None:
    count = shape[0] if what == "source" else shape[2]
    if len(x) != count:
        swapped = "; the axes must be (n, S, T, R): transpose" if len(x) in shape else ""
        raise UsageError(
            f"--{what}-x gives {len(x)} places, measurements (S, T, R) = {shape} have {count} {what}s",
            f"give a place for each{swapped}",
        )
    width, depth = (grid.nx - 1) * grid.spacing, (grid.nz - 1) * grid.spacing
    if min(x) < 0 or max(x) > width + grid.spacing / 2:
        swapped = "; the maps are (n, 1, Z, X), depth first: transpose" if max(x) <= depth else ""
        raise UsageError(
            f"--{what}-x reaches from {min(x):g} to {max(x):g} m, the section from 0 to {width:g} m "
            f"({grid.nx} columns at {grid.spacing:g} m)",
            f"places count from the first column{swapped}",
        )
