"""A survey, its grid and its physics in one TOML file.

    [grid]
    spacing = 10.0                # [m]; nz and nx where no map gives them
    [time]
    dt = 0.001                    # [s]
    [sources]
    x = [0, 170, 340, 520, 690]   # [m], or "first:last:count"
    depth = 10.0                  # [m], one for all or one for each
    [receivers]
    x = "0:690:70"                # S lists of R positions where they move with the source
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

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from fwibench.datasets.user.options import SurveyOptions
from fwibench.datasets.user.plausibility import check_section, check_time_axis
from fwibench.datasets.user.survey import make_physics, make_survey
from fwibench.datasets.user.value_ranges import ValueRange
from fwibench.errors import UsageError
from fwibench.files.toml import read_toml
from fwibench.problem import Amplitude, Frozen, Grid, Problem, Property, SeismicSurvey


class GridTable(Frozen):
    """Nodes of the map."""

    spacing: float = Field(gt=0, description="distance of neighbouring nodes [m]")
    nz: int | None = Field(default=None, gt=0, description="rows, depth first; needed where no map gives it")
    nx: int | None = Field(default=None, gt=0, description="columns; needed where no map gives it")


class TimeTable(Frozen):
    """Time axis of the records."""

    dt: float = Field(gt=0, description="time step [s]")


class SourcesTable(Frozen):
    """Positions of the sources."""

    x: str | tuple[float, ...] = Field(
        default="", description="positions [m], or first:last:count; empty: evenly spaced"
    )
    depth: float | tuple[float, ...] = Field(default=0.0, description="one for all, or one for each [m]")


class ReceiversTable(Frozen):
    """Positions of the receivers."""

    x: str | tuple[float, ...] | tuple[tuple[float, ...], ...] = Field(
        default="", description="positions [m], or first:last:count, or S lists of R positions; empty: evenly spaced"
    )
    depth: float | tuple[float, ...] = Field(default=0.0, description="one for all, or one for each [m]")


class WaveletTable(Frozen):
    """The source wavelet: a Ricker or a file."""

    frequency: float | None = Field(default=None, gt=0, description="peak frequency of a Ricker wavelet [Hz]")
    delay: float | None = Field(default=None, ge=0, description="time of its peak [s]; a file's own by default")
    file: str = Field(default="", description=".npy file of amplitudes at time step dt, beside the survey file")


class PhysicsTable(Frozen):
    """Scheme of the wave equation; a value that is not given is estimated or has a default."""

    order: Literal[2, 4, 6, 8] | None = Field(default=None, description="of the finite differences in space")
    pml: int | None = Field(default=None, ge=0, description="absorbing cells on each side")
    courant: float | None = Field(default=None, gt=0, le=1, description="largest Courant number of an inner step")
    free_surface: bool | None = Field(default=None, description="zero pressure one cell above row 0")
    source_scale: float | None = Field(default=None, description="recorded amplitude over the simulated one")


class PropertyTable(Frozen):
    """The property: name, unit and bounds."""

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
        """Return the values of the file by the names of `SurveyOptions`; those it does not give are left out."""
        values: dict[str, Any] = {
            "spacing": self.grid.spacing,
            "dt": self.time.dt,
            "source_x": self.sources.x,
            "receiver_x": self.receivers.x,
            # a depth that the file does not give is that of SEG-Y headers, or 0
            "source_depth": self.sources.depth if "depth" in self.sources.model_fields_set else None,
            "receiver_depth": self.receivers.depth if "depth" in self.receivers.model_fields_set else None,
            "frequency": self.wavelet.frequency,
            "delay": self.wavelet.delay,
            "wavelet": self.wavelet.file,
            **self.physics.model_dump(),
        }
        return {name: value for name, value in values.items() if value not in (None, "")}

    def all_options(self) -> dict[str, Any]:
        """Return the values of the file by the names of `AddOptions`: those of `options`, and the property."""
        bounds = {"low": self.property.low, "high": self.property.high}
        named = {"property": self.property.name, "unit": self.property.unit}
        return {**self.options(), **named, **{name: value for name, value in bounds.items() if value is not None}}


def read_survey_file(path: Path) -> SurveyFile:
    """Read and check a survey file.

    Args:
        path: TOML file; the path of a wavelet file is relative to its folder.

    Returns:
        Its tables, with the path of the wavelet file made absolute.

    Raises:
        UsageError: The file cannot be read, a key is unknown, or a value cannot be right.
    """
    path = path.expanduser()
    try:
        found = SurveyFile.model_validate(read_toml(path, "survey"))
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
        path: The survey file, with the bounds of the property.
        shape: Shape `(S, T, R)` of the records.
        section: Rows and columns of a map, such as a start model; None to take nz and nx of the file.
        amplitude: Scaling of measurements; -1 to 1 by default.

    Returns:
        The problem with its physics, and notes on what was assumed.

    Raises:
        UsageError: The file cannot be read, lacks something, or does not fit the shapes.
    """
    tables = read_survey_file(path)
    nz, nx = section or (tables.grid.nz, tables.grid.nx)
    bounds = tables.property
    if nz is None or nx is None:
        raise UsageError(f"{path}: grid.nz and grid.nx are missing", "give the number of rows and columns of the map")
    if (tables.grid.nz or nz, tables.grid.nx or nx) != (nz, nx):
        raise UsageError(f"{path}: the grid is {tables.grid.nz} x {tables.grid.nx}, the map {nz} x {nx}", "correct one")
    if bounds.low is None or bounds.high is None:
        raise UsageError(f"{path}: property.low and property.high are missing", "give the bounds of the velocity")
    if bounds.unit != "m/s" or not 0 < bounds.low < bounds.high:
        raise UsageError(
            f"{path}: the property is {bounds.low:g} to {bounds.high:g} {bounds.unit}, expected velocities in m/s",
            "convert them; low must be above 0 and below high",
        )
    options = SurveyOptions(**tables.options())
    grid = Grid(nz=nz, nx=nx, spacing=tables.grid.spacing)
    survey, notes = make_survey(options, shape, grid)
    if not isinstance(survey, SeismicSurvey):
        raise UsageError(f"{path}: only seismic surveys can be inverted", "see the guide for an example")
    velocity = ValueRange(bounds.low, bounds.high, (bounds.low + bounds.high) / 2, 0)
    new_notes = (
        *check_time_axis(survey, delay_given=options.delay is not None),
        *check_section(survey, grid, velocity, bounds.unit),
    )
    problem = Problem(
        grid=grid,
        survey=survey,
        physics=make_physics(options, survey.wavelet.frequency, bounds.high),
        property=Property(name=bounds.name, unit=bounds.unit, low=bounds.low, high=bounds.high),
        amplitude=amplitude or Amplitude(low=-1.0, high=1.0),
    )
    return problem, (*notes, *new_notes)
