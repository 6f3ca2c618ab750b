"""The survey of somebody's data, from what the user says and the shapes of the files.

Invariant: what was assumed is told in notes, and a statement that cannot be right is an error that names its option.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from fwibench.datasets.user import wavelet_file
from fwibench.datasets.user.number_lists import read_list, read_places, spread
from fwibench.errors import UsageError
from fwibench.problem import ElectromagneticSurvey, Grid, Point, Ricker, SampledWavelet, SeismicSurvey

Survey = SeismicSurvey | ElectromagneticSurvey
Places = str | tuple[float, ...] | tuple[tuple[float, ...], ...]
"""`0,150,300` or `first:last:count`, places, or the places of every shot [m]."""
Depths = float | tuple[float, ...] | tuple[tuple[float, ...], ...]
"""One depth for all, one for each, or S lists of R depths where receivers move [m]."""


@dataclass(frozen=True, kw_only=True)
class SurveyOptions:
    """What the user says of a survey; lengths in m, times in s, frequencies in Hz. None: not said.

    Attributes:
        spacing: Of the grid.
        source_x: Places of the sources; empty to spread them evenly.
        receiver_x: The same for receivers; S lists of R places where they move with the source.
        depth: Of sources and receivers; 0 where nothing else says it.
        source_depth: Of sources, where it differs from `depth`.
        receiver_depth: The same for receivers.
        frequency: Peak frequency of a Ricker wavelet.
        delay: Time of the wavelet's peak; a wavelet from a file is moved there.
        wavelet: `.npy` file of the wavelet at the time samples of the records, instead of a Ricker.
        frequencies: Of electromagnetic data, separated by commas.
        order: Of the finite differences in space.
        pml: Absorbing cells on each side.
        courant: Largest Courant number of an inner time step.
        free_surface: Whether the pressure is zero on the plane one cell above row 0.
        source_scale: Recorded amplitude over the simulated one.
    """

    spacing: float
    kind: Literal["seismic", "em"] = "seismic"
    dt: float | None = None
    frequency: float | None = None
    delay: float | None = None
    wavelet: str = ""
    frequencies: str = ""
    source_x: Places = ""
    receiver_x: Places = ""
    depth: float | None = None
    source_depth: Depths | None = None
    receiver_depth: Depths | None = None
    order: int | None = None
    pml: int | None = None
    courant: float | None = None
    free_surface: bool | None = None
    source_scale: float | None = None


def make_survey(said: SurveyOptions, shape: tuple[int, int, int], grid: Grid) -> tuple[Survey, tuple[str, ...]]:
    """The survey of measurements, and notes on what was assumed.

    Args:
        said: What the user says.
        shape: `(S, T, R)`, or `(S, 2 F, R)` of electromagnetic data.
        grid: Of the maps.

    Returns:
        The survey, and notes in plain sentences.

    Raises:
        UsageError: Places, frequencies or axes do not fit the shapes.
    """
    notes: list[str] = []
    sources = _places(said.source_x, "source", _depth(said, "source"), shape, grid, notes)
    moving: tuple[tuple[Point, ...], ...] = ()
    if said.receiver_x and isinstance(said.receiver_x[0], tuple):
        moving = _moving(said.receiver_x, _depth(said, "receiver"), shape, grid)
        receivers = moving[0]
    else:
        receivers = _places(said.receiver_x, "receiver", _depth(said, "receiver"), shape, grid, notes)
    if said.kind == "em":
        return _electromagnetic(said, sources, receivers, shape), tuple(notes)
    if said.dt is None:
        raise UsageError("seismic data need --dt", "SEG-Y files without a time step need it as well")
    if shape[1] < shape[2]:
        notes.append(f"check the axes: {shape[1]} time samples and {shape[2]} receivers; they must be (n, S, T, R)")
    wavelet = make_wavelet(said, said.dt, shape[1], notes)
    survey = SeismicSurvey(
        sources=sources, receivers=receivers, shot_receivers=moving, nt=shape[1], dt=said.dt, wavelet=wavelet
    )
    return survey, tuple(notes)


def make_wavelet(said: SurveyOptions, dt: float, nt: int, notes: list[str]) -> Ricker | SampledWavelet:
    """The source wavelet; what was assumed is added to the notes.

    Raises:
        UsageError: Neither frequency nor file is given, or one of them cannot be used.
    """
    if said.wavelet:
        if said.frequency is not None:
            raise UsageError("--frequency and --wavelet are both given", "the file says the frequency; leave one out")
        return wavelet_file.read_wavelet(said.wavelet, dt, nt, said.delay)
    if said.frequency is None:
        raise UsageError("seismic data need --frequency or --wavelet", "the peak frequency of the source [Hz]")
    if not said.frequency > 0:
        raise UsageError(f"--frequency is {said.frequency:g} Hz, expected more than 0", "correct the option")
    delay = 1 / said.frequency if said.delay is None else said.delay
    if said.delay is None:
        notes.append(f"assumed: the wavelet peaks at {delay:.4g} s")
    if delay < 0:
        raise UsageError(f"--delay is {delay:g} s, expected 0 or more", "the record starts at time 0")
    return Ricker(frequency=said.frequency, delay=delay)


def _electromagnetic(
    said: SurveyOptions, sources: tuple[Point, ...], receivers: tuple[Point, ...], shape: tuple[int, int, int]
) -> ElectromagneticSurvey:
    frequencies = tuple(read_list(said.frequencies, "--frequencies", "0.1,1,10"))
    if 2 * len(frequencies) != shape[1]:
        raise UsageError(
            f"{len(frequencies)} frequencies need {2 * len(frequencies)} rows of real and imaginary parts, "
            f"measurements are {shape}",
            "measurements are (n, S, 2 F, R): real and imaginary part of each frequency in turn",
        )
    if min(frequencies) <= 0 or any(low >= high for low, high in pairwise(frequencies)):
        raise UsageError(
            f"--frequencies is '{said.frequencies}', expected positive numbers [Hz] that rise, each once",
            "give them in the order of the rows, from low to high; reorder the rows where they fall",
        )
    return ElectromagneticSurvey(sources=sources, receivers=receivers, frequencies=frequencies)


def _depth(said: SurveyOptions, what: Literal["source", "receiver"]) -> Depths:
    given = said.source_depth if what == "source" else said.receiver_depth
    return (said.depth or 0.0) if given is None else given


def _places(
    given: Places, what: str, depth: Depths, shape: tuple[int, int, int], grid: Grid, notes: list[str]
) -> tuple[Point, ...]:
    count = shape[0] if what == "source" else shape[2]
    if not given:
        notes.append(f"assumed: {count} {what}s, evenly spread over the section")
        x = spread(count, 0, (grid.nx - 1) * grid.spacing)
    elif isinstance(given, str):
        x = read_places(given, what)
    else:
        x = [float(one) for one in given if not isinstance(one, tuple)]
    _check_places(x, what, shape, grid)
    return tuple(Point(x=one, z=z) for one, z in zip(x, _depths(depth, what, count, grid), strict=True))


def _moving(given: Places, depth: Depths, shape: tuple[int, int, int], grid: Grid) -> tuple[tuple[Point, ...], ...]:
    spreads = [one for one in given if isinstance(one, tuple)]
    if len(spreads) != shape[0]:
        raise UsageError(
            f"places of receivers are given for {len(spreads)} shots, measurements (S, T, R) = {shape} have {shape[0]}",
            "give a list of places for each shot",
        )
    found = []
    for shot, x in enumerate(spreads):
        _check_places(list(x), "receiver", shape, grid)
        depths = _depths(depth, "receiver", shape[2], grid, shot)
        found.append(tuple(Point(x=one, z=z) for one, z in zip(x, depths, strict=True)))
    return tuple(found)


def _depths(depth: Depths, what: str, count: int, grid: Grid, shot: int = 0) -> list[float]:
    each = depth if isinstance(depth, tuple) else (depth,) * count
    # of every shot, where receivers move
    row = each[shot] if each and isinstance(each[0], tuple) else each
    depths = [float(one) for one in row if not isinstance(one, tuple)] if isinstance(row, tuple) else []
    if len(depths) != count:
        raise UsageError(f"{len(depths)} depths of {what}s are given for {count} {what}s", "give one, or one for each")
    lowest = (grid.nz - 1) * grid.spacing
    if not all(-1e-6 * grid.spacing <= z <= lowest + 1e-6 * grid.spacing for z in depths):
        wrong = min(depths) if min(depths) < 0 else max(depths)
        raise UsageError(
            f"the depth of a {what} is {wrong:g} m, the section reaches from 0 to {lowest:g} m "
            f"({grid.nz} rows at {grid.spacing:g} m)",
            "depths are in m, positive downwards from the first row; maps are (n, 1, Z, X), depth first",
        )
    return depths


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
