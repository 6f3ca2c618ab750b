"""A survey, its grid and its physics in one TOML file.

    [grid]
    spacing = 10.0                # [m]; nz and nx where no map says them
    [time]
    dt = 0.001                    # [s]
    [sources]
    x = [0, 170, 340, 520, 690]   # [m], or "first:last:count"
    depth = 10.0                  # [m], one for all or one for each
    [receivers]
    x = "0:690:70"                # S lists of R places where they move with the source
    depth = 10.0
    [wavelet]
    frequency = 15.0              # Ricker [Hz]; or file = "wavelet.npy", beside this file
    delay = 0.072                 # time of its peak [s]
    [physics]                     # all optional
    order = 4
    pml = 10
    courant = 0.67
    free_surface = false
    source_scale = 1.0
    [property]                    # all optional
    name = "velocity"
    unit = "m/s"
    low = 1500.0
    high = 4500.0

Invariant: every key is known and every value is checked; an error names the file and the key.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from fwibench.datasets.user.options import SurveyOptions
from fwibench.datasets.user.plausibility import check_clock, check_section
from fwibench.datasets.user.survey import make_physics, make_survey
from fwibench.datasets.user.value_ranges import Examined
from fwibench.errors import UsageError
from fwibench.problem import Amplitude, Frozen, Grid, Problem, Property, SeismicSurvey


class GridTable(Frozen):
    """Nodes of the map."""

    spacing: float = Field(gt=0, description="distance of neighbouring nodes [m]")
    nz: int | None = Field(default=None, gt=0, description="rows, depth first; needed where no map says it")
    nx: int | None = Field(default=None, gt=0, description="columns; needed where no map says it")


class TimeTable(Frozen):
    """Time axis of the records."""

    dt: float = Field(gt=0, description="time step [s]")


class SourcesTable(Frozen):
    """Where the sources are."""

    x: str | tuple[float, ...] = Field(default="", description="places [m], or first:last:count; empty: evenly spread")
    depth: float | tuple[float, ...] = Field(default=0.0, description="one for all, or one for each [m]")


class ReceiversTable(Frozen):
    """Where the receivers are."""

    x: str | tuple[float, ...] | tuple[tuple[float, ...], ...] = Field(
        default="", description="places [m], or first:last:count, or S lists of R places; empty: evenly spread"
    )
    depth: float | tuple[float, ...] = Field(default=0.0, description="one for all, or one for each [m]")


class WaveletTable(Frozen):
    """The source wavelet: a Ricker or a file."""

    frequency: float | None = Field(default=None, gt=0, description="peak frequency of a Ricker wavelet [Hz]")
    delay: float | None = Field(default=None, ge=0, description="time of its peak [s]; a file's own by default")
    file: str = Field(default="", description=".npy file of amplitudes at time step dt, beside the survey file")


class PhysicsTable(Frozen):
    """How the wave equation is solved; what is not said is estimated or has a default."""

    order: Literal[2, 4, 6, 8] | None = Field(default=None, description="of the finite differences in space")
    pml: int | None = Field(default=None, ge=0, description="absorbing cells on each side")
    courant: float | None = Field(default=None, gt=0, le=1, description="largest Courant number of an inner step")
    free_surface: bool | None = Field(default=None, description="zero pressure one cell above row 0")
    source_scale: float | None = Field(default=None, description="recorded amplitude over the simulated one")


class PropertyTable(Frozen):
    """What is sought."""

    name: str = "velocity"
    unit: str = "m/s"
    low: float | None = Field(default=None, description="lower bound")
    high: float | None = Field(default=None, description="upper bound; fixes the inner time step")


class SurveyFile(Frozen):
    """The tables of a survey file."""

    grid: GridTable
    time: TimeTable
    sources: SourcesTable = SourcesTable()
    receivers: ReceiversTable = ReceiversTable()
    wavelet: WaveletTable
    physics: PhysicsTable = PhysicsTable()
    property: PropertyTable = PropertyTable()

    def options(self) -> dict[str, Any]:
        """What the file says, by the names of `SurveyOptions`; what it does not say is left out."""
        said: dict[str, Any] = {
            "spacing": self.grid.spacing,
            "dt": self.time.dt,
            "source_x": self.sources.x,
            "receiver_x": self.receivers.x,
            # a depth that the file does not say is that of SEG-Y headers, or 0
            "source_depth": self.sources.depth if "depth" in self.sources.model_fields_set else None,
            "receiver_depth": self.receivers.depth if "depth" in self.receivers.model_fields_set else None,
            "frequency": self.wavelet.frequency,
            "delay": self.wavelet.delay,
            "wavelet": self.wavelet.file,
            **self.physics.model_dump(),
        }
        return {name: value for name, value in said.items() if value not in (None, "")}


def read_survey_file(path: Path) -> SurveyFile:
    """Reads and checks a survey file.

    Args:
        path: TOML file; a wavelet file is looked for beside it.

    Returns:
        Its tables, with the wavelet's path made absolute.

    Raises:
        UsageError: The file cannot be read, a key is unknown, or a value cannot be right.
    """
    path = path.expanduser()
    try:
        tables = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:  # decoding errors of both kinds are ValueErrors
        raise UsageError(f"the survey file {path} cannot be read: {error}", "see the guide for an example") from error
    try:
        found = SurveyFile.model_validate(tables)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"] if not str(part).startswith(("tuple", "str", "float")))
        raise UsageError(f"{path}: {key}: {first['msg'].lower()}", "see the guide for an example") from error
    if found.wavelet.file:
        file = str((path.parent / Path(found.wavelet.file).expanduser()).absolute())
        found = found.model_copy(update={"wavelet": found.wavelet.model_copy(update={"file": file})})
    return found


def read_problem(
    path: Path,
    shape: tuple[int, int, int],
    section: tuple[int, int] | None = None,
    *,
    amplitude: Amplitude | None = None,
) -> tuple[Problem, tuple[str, ...]]:
    """Make a seismic problem of a survey file, for records that have no dataset.

    Args:
        path: The survey file; it must say the property's bounds.
        shape: `(S, T, R)` of the records.
        section: Rows and columns of the map, where one is at hand; else the file must say nz and nx.
        amplitude: How measurements are scaled; -1 to 1 by default.

    Returns:
        The problem with its physics, and notes on what was assumed.

    Raises:
        UsageError: The file cannot be read, lacks something, or does not fit the shapes.
    """
    said = read_survey_file(path)
    nz, nx = section or (said.grid.nz, said.grid.nx)
    bounds = said.property
    if nz is None or nx is None:
        raise UsageError(f"{path}: grid.nz and grid.nx are missing", "say how many rows and columns the map has")
    if (said.grid.nz or nz, said.grid.nx or nx) != (nz, nx):
        raise UsageError(f"{path}: the grid is {said.grid.nz} x {said.grid.nx}, the map {nz} x {nx}", "correct one")
    if bounds.low is None or bounds.high is None:
        raise UsageError(f"{path}: property.low and property.high are missing", "say the bounds of the velocity")
    if bounds.unit != "m/s" or not 0 < bounds.low < bounds.high:
        raise UsageError(
            f"{path}: the property is {bounds.low:g} to {bounds.high:g} {bounds.unit}, expected velocities in m/s",
            "convert them; low must be above 0 and below high",
        )
    options = SurveyOptions(**said.options())
    grid = Grid(nz=nz, nx=nx, spacing=said.grid.spacing)
    survey, notes = make_survey(options, shape, grid)
    if not isinstance(survey, SeismicSurvey):
        raise UsageError(f"{path}: only seismic surveys can be inverted", "see the guide for an example")
    velocity = Examined(bounds.low, bounds.high, (bounds.low + bounds.high) / 2, 0)
    told = (
        *check_clock(survey, delay_given=options.delay is not None),
        *check_section(survey, grid, velocity, bounds.unit),
    )
    problem = Problem(
        grid=grid,
        survey=survey,
        physics=make_physics(options, survey.wavelet.frequency, bounds.high),
        property=Property(name=bounds.name, unit=bounds.unit, low=bounds.low, high=bounds.high),
        amplitude=amplitude or Amplitude(low=-1.0, high=1.0),
    )
    return problem, (*notes, *told)
