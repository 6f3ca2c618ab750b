"""Options of `fwibench data add`: the files, the survey, the property and the split of a user's own data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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


@dataclass(frozen=True)
class Addition(SurveyOptions):
    """What the user says of the data.

    Attributes:
        name: Of the new dataset.
        measurements: Pattern of files.
        properties: Pattern of files.
        origin: `X` or `X,Y` of the first column, for coordinates in SEG-Y headers.
        top: Elevation of the first row, for elevations in SEG-Y headers.
        shots_per_sample: Of SEG-Y files; None for those of `source_x`, or of a file.
        headers: Whether places, delays and trace codes in SEG-Y headers are used.
        low: Bound of the property; None to take what the files hold.
        high: Likewise.
        val: Samples of val: a share below 1, or a number; None for a tenth.
        test: Samples of test, likewise; all where there are one or two.
        split: How samples are dealt out.
        split_seed: Of the shuffle.
        test_numbers: Which samples are test, such as `0,5,10:20`.
    """

    name: str
    measurements: str
    properties: str
    origin: str = ""
    top: float | None = None
    shots_per_sample: int | None = None
    headers: bool = True
    property: str = "velocity"
    unit: str = "m/s"
    low: float | None = None
    high: float | None = None
    val: float | None = None
    test: float | None = None
    split: Literal["random", "last"] = "random"
    split_seed: int = 0
    test_numbers: str = ""
    summary: str = ""
    licence: str = ""
