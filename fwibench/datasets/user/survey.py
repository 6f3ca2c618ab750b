"""The survey of somebody's data, from what the user says and the shapes of the files.

Invariant: what was assumed is told in notes, and a statement that cannot be right is an error that names its option.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal, cast

from fwibench.datasets.user import wavelet_file
from fwibench.datasets.user.number_lists import read_list, read_places, spread
from fwibench.datasets.user.options import Depths, Places, SurveyOptions
from fwibench.errors import UsageError
from fwibench.problem import AcousticPhysics, ElectromagneticSurvey, Grid, Point, Ricker, SampledWavelet, SeismicSurvey

Survey = SeismicSurvey | ElectromagneticSurvey
Order = Literal[2, 4, 6, 8]
ORDER, PML = 4, 20
"""Where nothing is said and nothing can be estimated."""


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


def make_physics(said: SurveyOptions, frequency: float, high: float) -> AcousticPhysics:
    """Physics as the user says it, with defaults for the rest.

    Args:
        said: Order, absorbing cells, Courant number, free surface and scale.
        frequency: Peak frequency of the source, to which the absorbing layer is tuned [Hz].
        high: Highest velocity, which fixes the inner time step [m/s].

    Raises:
        UsageError: A value cannot be right.
    """
    if said.order not in (None, 2, 4, 6, 8):
        raise UsageError(f"--order is {said.order}, expected 2, 4, 6 or 8", "these are the orders that deepwave has")
    if said.pml is not None and not 0 <= said.pml <= 1000:
        raise UsageError(f"--pml is {said.pml}, expected 0 to 1000 cells", "10 to 20 are usual")
    order = cast("Order", ORDER if said.order is None else said.order)
    if said.courant is not None and not 0 < said.courant < (most := _critical_courant(order)):
        raise UsageError(
            f"--courant is {said.courant:g}, expected more than 0 and less than {most:.3g}, where order {order} "
            "becomes unstable",
            "0.6 is deepwave's own",
        )
    if said.source_scale == 0:
        raise UsageError("--source-scale is 0, which makes every record zero", "leave it out, or give another value")
    return AcousticPhysics(
        accuracy=order,
        pml_width=PML if said.pml is None else said.pml,
        pml_freq=frequency,
        max_velocity=high,
        courant_number=said.courant,
        free_surface=bool(said.free_surface),
        source_scale=1.0 if said.source_scale is None else said.source_scale,
    )


def _critical_courant(order: Order) -> float:
    from deepwave.discretisation import critical_courant_number

    return float(critical_courant_number(order, propagator="scalar"))
