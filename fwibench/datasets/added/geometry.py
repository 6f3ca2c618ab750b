"""The survey of added data, from what the user says and the shapes of the files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fwibench.datasets.added.line import LinePlaces
from fwibench.datasets.added.lists import read_numbers
from fwibench.datasets.added.places import place
from fwibench.errors import UsageError
from fwibench.problem import ElectromagneticSurvey, Grid, Ricker, SeismicSurvey

if TYPE_CHECKING:
    from fwibench.datasets.added.adding import Addition

Survey = SeismicSurvey | ElectromagneticSurvey


def make_survey(
    wanted: Addition, shape: tuple[int, int, int], grid: Grid, headers: LinePlaces | None = None
) -> tuple[Survey, bool, tuple[str, ...]]:
    """Make the survey of measurements.

    Args:
        wanted: What the user says.
        shape: `(S, T, R)` of a measurement.
        grid: The section.
        headers: What trace headers say about places.

    Returns:
        The survey, whether all places are known rather than assumed, and notes on what was used and assumed.

    Raises:
        UsageError: Places, frequencies or axes do not fit the shapes.
    """
    _, middle, receivers = shape
    placed = place(wanted.source_x, wanted.receiver_x, wanted.depth, shape, grid, headers)
    notes = list(placed.notes)
    if wanted.kind == "em":
        frequencies = tuple(read_numbers(wanted.frequencies, "--frequencies", "0.1,1,10"))
        if 2 * len(frequencies) != middle:
            raise UsageError(
                f"{len(frequencies)} frequencies need {2 * len(frequencies)} rows of real and imaginary parts, "
                f"measurements are {shape}",
                "measurements are (n, S, 2 F, R): real and imaginary part of each frequency in turn",
            )
        if placed.shot_receivers:
            raise UsageError("receivers move with the source, which em data cannot", "say where they are: --receiver-x")
        em = ElectromagneticSurvey(sources=placed.sources, receivers=placed.receivers, frequencies=frequencies)
        return em, placed.known, tuple(notes)
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
    survey = SeismicSurvey(
        sources=placed.sources,
        receivers=placed.receivers,
        shot_receivers=placed.shot_receivers,
        nt=middle,
        dt=wanted.dt,
        wavelet=wavelet,
    )
    return survey, placed.known, tuple(notes)
