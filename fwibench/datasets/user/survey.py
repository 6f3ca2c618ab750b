"""Survey and physics of a user's data, from options and the shapes of the files.

Invariant: every assumption is a note, and an option that cannot be right is an error that names it.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Literal, cast

from fwibench.datasets.user.number_lists import parse_numbers, parse_positions, space_positions
from fwibench.datasets.user.options import Depths, Positions, SurveyOptions
from fwibench.datasets.user.wavelet_file import read_wavelet
from fwibench.errors import UsageError
from fwibench.problem import AcousticPhysics, ElectromagneticSurvey, Grid, Point, Ricker, SampledWavelet, SeismicSurvey

Survey = SeismicSurvey | ElectromagneticSurvey
Shape = tuple[int, int, int]
Side = Literal["source", "receiver"]
Order = Literal[2, 4, 6, 8]
ORDER, ABSORBING_CELLS = 4, 20
"""Order and width of the absorbing layer where neither is given or estimated."""


def make_survey(options: SurveyOptions, shape: Shape, grid: Grid) -> tuple[Survey, tuple[str, ...]]:
    """Make the survey of measurements.

    Args:
        options: Options of the user.
        shape: Shape of a measurement: `(S, T, R)`, or `(S, 2 F, R)` of electromagnetic data.
        grid: Grid of the maps.

    Returns:
        The survey, and notes on what was assumed.

    Raises:
        UsageError: Positions, frequencies or axes do not fit the shapes.
    """
    notes: list[str] = []
    sources = _place_all(options, "source", shape, grid, notes)
    moving: tuple[tuple[Point, ...], ...] = ()
    if options.receiver_x and isinstance(options.receiver_x[0], tuple):
        moving = _place_moving(options.receiver_x, _depth_of(options, "receiver"), shape, grid)
        receivers = moving[0]
    else:
        receivers = _place_all(options, "receiver", shape, grid, notes)
    if options.kind == "em":
        frequencies = _check_frequencies(options.frequencies, shape)
        return ElectromagneticSurvey(sources=sources, receivers=receivers, frequencies=frequencies), tuple(notes)
    if options.dt is None:
        raise UsageError("seismic data need --dt", "SEG-Y files without a time step need it as well")
    if shape[1] < shape[2]:
        notes.append(f"check the axes: {shape[1]} time samples and {shape[2]} receivers; they must be (n, S, T, R)")
    wavelet, new_notes = make_wavelet(options, options.dt, shape[1])
    survey = SeismicSurvey(
        sources=sources, receivers=receivers, shot_receivers=moving, nt=shape[1], dt=options.dt, wavelet=wavelet
    )
    return survey, (*notes, *new_notes)


def make_wavelet(options: SurveyOptions, dt: float, nt: int) -> tuple[Ricker | SampledWavelet, list[str]]:
    """Make the source wavelet.

    Args:
        options: Options of the user: a frequency or a file.
        dt: Time step of the records [s].
        nt: Time samples of the records.

    Returns:
        The wavelet, and notes on what was assumed.

    Raises:
        UsageError: Neither frequency nor file is given, or one of them cannot be used.
    """
    frequency = options.frequency
    if options.wavelet:
        if frequency is not None:
            raise UsageError("--frequency and --wavelet are both given", "the file has its frequency; leave one out")
        return read_wavelet(options.wavelet, dt, nt, options.delay), []
    if frequency is None:
        raise UsageError("seismic data need --frequency or --wavelet", "give the peak frequency of the source [Hz]")
    if not frequency > 0:
        raise UsageError(f"--frequency is {frequency:g} Hz, expected more than 0", "correct the option")
    if options.delay is None:
        return Ricker(frequency=frequency, delay=1 / frequency), [
            f"assumed: the wavelet peaks at {1 / frequency:.4g} s"
        ]
    if options.delay < 0:
        raise UsageError(f"--delay is {options.delay:g} s, expected 0 or more", "the record starts at time 0")
    return Ricker(frequency=frequency, delay=options.delay), []


def make_physics(options: SurveyOptions, frequency: float, high: float) -> AcousticPhysics:
    """Make the physics of seismic data; what is not given has a default.

    Args:
        options: Options of the user.
        frequency: Peak frequency of the source [Hz], to which the absorbing layer is tuned.
        high: Highest velocity [m/s], which fixes the inner time step.

    Raises:
        UsageError: A value cannot be right.
    """
    if options.order not in (None, 2, 4, 6, 8):
        raise UsageError(f"--order is {options.order}, expected 2, 4, 6 or 8", "these are the orders of deepwave")
    if options.pml is not None and not 0 <= options.pml <= 1000:
        raise UsageError(f"--pml is {options.pml}, expected 0 to 1000 cells", "10 to 20 are usual")
    order = cast("Order", ORDER if options.order is None else options.order)
    if options.courant is not None and not 0 < options.courant < (limit := _critical_courant(order)):
        raise UsageError(
            f"--courant is {options.courant:g}, expected more than 0 and less than {limit:.3g}, where order {order} "
            "becomes unstable",
            "0.6 is the default of deepwave",
        )
    if options.source_scale == 0:
        raise UsageError("--source-scale is 0, which makes every record zero", "leave it out, or give another value")
    return AcousticPhysics(
        accuracy=order,
        pml_width=ABSORBING_CELLS if options.pml is None else options.pml,
        pml_freq=frequency,
        max_velocity=high,
        courant_number=options.courant,
        free_surface=bool(options.free_surface),
        source_scale=1.0 if options.source_scale is None else options.source_scale,
    )


def count_positions(given: Positions, what: Side) -> int | None:
    """Return the number of positions that are given, of one shot where receivers move; None if none are given.

    Args:
        given: Value of `--source-x` or `--receiver-x`.
        what: Side of the survey, for messages.
    """
    if given and not isinstance(given, str) and isinstance(given[0], tuple):
        return len(given[0])
    positions = fixed_positions(given, what)
    return None if positions is None else len(positions)


def fixed_positions(given: Positions, what: Side) -> list[float] | None:
    """Return the positions that are given [m]; None if none are given, or positions for every shot.

    Args:
        given: Value of `--source-x` or `--receiver-x`.
        what: Side of the survey, for messages.
    """
    if not given:
        return None
    if isinstance(given, str):
        return parse_positions(given, what)
    return None if isinstance(given[0], tuple) else [float(one) for one in given if not isinstance(one, tuple)]


def _critical_courant(order: Order) -> float:
    from deepwave.discretisation import critical_courant_number

    return float(critical_courant_number(order, propagator="scalar"))


def _check_frequencies(text: str, shape: Shape) -> tuple[float, ...]:
    frequencies = tuple(parse_numbers(text, "--frequencies", "0.1,1,10"))
    if 2 * len(frequencies) != shape[1]:
        raise UsageError(
            f"{len(frequencies)} frequencies need {2 * len(frequencies)} rows of real and imaginary parts, "
            f"measurements are {shape}",
            "measurements are (n, S, 2 F, R): real and imaginary part of each frequency in turn",
        )
    if min(frequencies) <= 0 or any(low >= high for low, high in pairwise(frequencies)):
        raise UsageError(
            f"--frequencies is '{text}', expected positive numbers [Hz] that rise, each once",
            "give them in the order of the rows, from low to high; reorder the rows where they fall",
        )
    return frequencies


def _depth_of(options: SurveyOptions, what: Side) -> Depths:
    given = options.source_depth if what == "source" else options.receiver_depth
    return (options.depth or 0.0) if given is None else given


def _place_all(options: SurveyOptions, what: Side, shape: Shape, grid: Grid, notes: list[str]) -> tuple[Point, ...]:
    """Points of sources, or of receivers that do not move; an assumption is added to the notes."""
    count = shape[0] if what == "source" else shape[2]
    given = options.source_x if what == "source" else options.receiver_x
    x = fixed_positions(given, what)
    if x is None and given:
        raise UsageError(
            f"--{what}-x gives a list for each shot, expected one position for each {what}", "give one list"
        )
    if x is None:
        notes.append(f"assumed: {count} {what}s, evenly spread over the section")
        x = space_positions(count, 0, (grid.nx - 1) * grid.spacing)
    _check_positions(x, what, shape, grid)
    depths = _check_depths(_depth_of(options, what), what, count, grid)
    return tuple(Point(x=one, z=z) for one, z in zip(x, depths, strict=True))


def _place_moving(given: Positions, depth: Depths, shape: Shape, grid: Grid) -> tuple[tuple[Point, ...], ...]:
    """Points of the receivers of each shot."""
    shots = [one for one in given if isinstance(one, tuple)]
    if len(shots) != shape[0]:
        raise UsageError(
            f"positions of receivers are given for {len(shots)} shots, measurements (S, T, R) = {shape} have "
            f"{shape[0]}",
            "give a list of positions for each shot",
        )
    points = []
    for shot, x in enumerate(shots):
        _check_positions(list(x), "receiver", shape, grid)
        # depths may be those of every shot
        own = depth[shot] if isinstance(depth, tuple) and depth and isinstance(depth[0], tuple) else depth
        depths = _check_depths(own, "receiver", shape[2], grid)
        points.append(tuple(Point(x=one, z=z) for one, z in zip(x, depths, strict=True)))
    return tuple(points)


def _check_depths(depth: Depths, what: Side, count: int, grid: Grid) -> list[float]:
    each = depth if isinstance(depth, tuple) else (depth,) * count
    depths = [float(one) for one in each if not isinstance(one, tuple)]
    if len(depths) != count:
        raise UsageError(f"{len(depths)} depths of {what}s are given for {count} {what}s", "give one, or one for each")
    bottom = (grid.nz - 1) * grid.spacing
    if not all(-1e-6 * grid.spacing <= z <= bottom + 1e-6 * grid.spacing for z in depths):
        wrong = min(depths) if min(depths) < 0 else max(depths)
        raise UsageError(
            f"the depth of a {what} is {wrong:g} m, the section reaches from 0 to {bottom:g} m "
            f"({grid.nz} rows at {grid.spacing:g} m)",
            "depths are in m, positive downwards from the first row; maps are (n, 1, Z, X), depth first",
        )
    return depths


def _check_positions(x: list[float], what: Side, shape: Shape, grid: Grid) -> None:
    count = shape[0] if what == "source" else shape[2]
    if len(x) != count:
        swapped = "; the axes must be (n, S, T, R): transpose" if len(x) in shape else ""
        raise UsageError(
            f"--{what}-x gives {len(x)} positions, measurements (S, T, R) = {shape} have {count} {what}s",
            f"give a position for each{swapped}",
        )
    width, depth = (grid.nx - 1) * grid.spacing, (grid.nz - 1) * grid.spacing
    if min(x) < 0 or max(x) > width + grid.spacing / 2:
        swapped = "; the maps are (n, 1, Z, X), depth first: transpose" if max(x) <= depth else ""
        raise UsageError(
            f"--{what}-x reaches from {min(x):g} to {max(x):g} m, the section from 0 to {width:g} m "
            f"({grid.nx} columns at {grid.spacing:g} m)",
            f"positions count from the first column{swapped}",
        )
