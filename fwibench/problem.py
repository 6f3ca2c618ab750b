"""The inverse problem: everything that a method may know before it sees data.

Invariant: a problem is an immutable, hashable value in SI units. It holds nothing that depends on the data of a run,
such as the maximum of a batch, so that scaled values are comparable between runs.
"""

from __future__ import annotations

import builtins
import math
from collections.abc import Sequence
from types import ModuleType
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from fwibench.errors import ProblemError


class Frozen(BaseModel):
    """Base class of the suite's values: immutable, hashable, without unknown fields."""

    # JSON, the format of records and descriptions, has neither NaN nor infinity
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Grid(Frozen):
    """A regular grid of nodes; node (row, column) is at depth row * spacing and x = column * spacing."""

    nz: int = Field(gt=0, description="number of rows, along depth")
    nx: int = Field(gt=0, description="number of columns, along x")
    spacing: float = Field(gt=0, description="distance of neighbouring nodes [m]")

    @property
    def shape(self) -> tuple[int, int]:
        """`(nz, nx)`."""
        return self.nz, self.nx


class Point(Frozen):
    """A position in the section."""

    x: float = Field(description="horizontal position [m]")
    z: float = Field(description="depth [m]")


class Ricker(Frozen):
    """A Ricker wavelet of unit peak amplitude."""

    frequency: float = Field(gt=0, description="peak frequency [Hz]")
    delay: float = Field(ge=0, description="time of the peak [s]")


class SampledWavelet(Frozen):
    """A source wavelet given by its samples, such as a measured or estimated one."""

    samples: tuple[float, ...] = Field(
        min_length=2, description="amplitudes at the time samples of the survey, from time 0; zero after the last one"
    )
    frequency: float = Field(gt=0, description="peak frequency of its amplitude spectrum [Hz]")
    delay: float = Field(ge=0, description="time of its largest absolute amplitude [s]")


class SeismicSurvey(Frozen):
    """Sources, receivers, time axis and wavelet of a seismic survey; each shot is recorded by all of its receivers."""

    kind: Literal["seismic"] = Field(default="seismic", description="discriminates kinds of survey")
    sources: tuple[Point, ...] = Field(min_length=1, description="positions of the S sources")
    receivers: tuple[Point, ...] = Field(
        min_length=1, description="positions of the R receivers; those of the first shot if receivers move"
    )
    shot_receivers: tuple[tuple[Point, ...], ...] = Field(
        default=(), description="S x R positions of receivers that move with the source; empty: receivers do not move"
    )
    nt: int = Field(gt=0, description="number of time samples T")
    dt: float = Field(gt=0, description="time step [s]")
    wavelet: Ricker | SampledWavelet = Field(description="wavelet of every source")

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape `(S, T, R)` of one measurement."""
        return len(self.sources), self.nt, len(self.receivers)

    def receivers_of(self, shot: int) -> tuple[Point, ...]:
        """Return the positions of the R receivers of one shot."""
        return self.shot_receivers[shot] if self.shot_receivers else self.receivers

    def with_shots(self, shots: Sequence[int]) -> SeismicSurvey:
        """Return the survey with the given shots only, in the given order."""
        moving = tuple(self.shot_receivers[shot] for shot in shots) if self.shot_receivers else ()
        return self.model_copy(
            update={
                "sources": tuple(self.sources[shot] for shot in shots),
                "receivers": moving[0] if moving else self.receivers,
                "shot_receivers": moving,
            }
        )

    @model_validator(mode="after")
    def _check_shot_receivers(self) -> SeismicSurvey:
        counts = {len(places) for places in self.shot_receivers}
        if self.shot_receivers and (len(self.shot_receivers) != len(self.sources) or counts != {len(self.receivers)}):
            raise ValueError(
                f"shot_receivers has {len(self.shot_receivers)} shots of {sorted(counts)} receivers, expected "
                f"{len(self.sources)} shots of {len(self.receivers)}"
            )
        if self.shot_receivers and self.shot_receivers[0] != self.receivers:
            raise ValueError("receivers must be the positions of the first shot in shot_receivers")
        return self


class ElectromagneticSurvey(Frozen):
    """Line sources, receivers of the electric field, and frequencies of an electromagnetic survey."""

    kind: Literal["em"] = Field(default="em", description="discriminates kinds of survey")
    sources: tuple[Point, ...] = Field(min_length=1, description="positions of the S sources")
    receivers: tuple[Point, ...] = Field(min_length=1, description="positions of the R receivers")
    frequencies: tuple[float, ...] = Field(min_length=1, description="the F frequencies [Hz]")

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape `(S, 2 F, R)` of one measurement: real and imaginary part of each frequency in turn."""
        return len(self.sources), 2 * len(self.frequencies), len(self.receivers)


class AcousticPhysics(Frozen):
    """Discretisation of the constant-density acoustic wave equation.

    `pml_freq` and `max_velocity` are fixed here because deepwave otherwise derives them from the batch, so that the
    data of a model would depend on the other models of the batch.
    """

    kind: Literal["acoustic"] = Field(default="acoustic", description="discriminates kinds of physics")
    accuracy: Literal[2, 4, 6, 8] = Field(description="order of the finite differences in space")
    pml_width: int = Field(ge=0, description="number of absorbing cells on each side")
    pml_freq: float = Field(gt=0, description="frequency for which the absorbing layer is tuned [Hz]")
    max_velocity: float = Field(gt=0, description="velocity that sets the inner time step [m/s]")
    courant_number: float | None = Field(
        default=None, gt=0, description="largest Courant number of an inner time step; None: deepwave's default"
    )
    free_surface: bool = Field(
        default=False, description="whether the pressure is zero one cell above row 0; otherwise the top absorbs"
    )
    source_scale: float = Field(
        default=1.0, description="recorded amplitude over that of a source v^2 w(t); negative for reversed polarity"
    )


class ElectromagneticPhysics(Frozen):
    """Discretisation of the field of line currents: mesh and surroundings of the section."""

    kind: Literal["electromagnetic"] = Field(default="electromagnetic", description="discriminates kinds of physics")
    fine_cell: float = Field(gt=0, description="size of a cell in the section [m]")
    coarse_cell: float = Field(gt=0, description="size of a cell in the section at low frequencies [m]")
    coarse_up_to: float = Field(ge=0, description="highest frequency with the coarse cell [Hz]")
    padding: float = Field(ge=0, description="smallest distance from the section to the ends of the mesh [m]")
    air: bool = Field(description="whether air is above depth 0; otherwise the top row is continued upwards")


class Property(Frozen):
    """The property to be determined, and the bounds by which it is scaled."""

    name: str = Field(description="name, such as velocity")
    unit: str = Field(description="unit, such as m/s")
    low: float = Field(description="lower bound, which is scaled to -1")
    high: float = Field(description="upper bound, which is scaled to 1")

    @model_validator(mode="after")
    def _ordered(self) -> Property:
        if not self.low < self.high:
            raise ValueError(f"bounds of {self.name} must satisfy low < high, got {self.low}, {self.high}")
        return self

    def normalise(self, values: Any) -> Any:
        """Scale an array or tensor from [low, high] to [-1, 1]."""
        return (values - self.low) * (2.0 / (self.high - self.low)) - 1.0

    def denormalise(self, values: Any) -> Any:
        """Scale an array or tensor from [-1, 1] to [low, high]."""
        return (values + 1.0) * ((self.high - self.low) / 2.0) + self.low

    def outside(self, values: Any) -> int:
        """Return the number of entries of an array or tensor outside of the bounds."""
        return int(((values < self.low) | (values > self.high)).sum())


class Amplitude(Frozen):
    """Scaling of measurements to about [-1, 1] by constants of the problem.

    The entries of the middle axis are first divided by `rows`, because electromagnetic fields differ by orders of
    magnitude between frequencies. Then `log` compresses amplitudes by sign(u) ln(1 + |u|), as OpenFWI does. A linear
    map finally takes `low` and `high` to -1 and 1.
    """

    low: float = Field(description="amplitude, after the division by rows, that is scaled to -1")
    high: float = Field(description="amplitude, after the division by rows, that is scaled to 1")
    log: bool = Field(default=False, description="whether amplitudes are compressed by a logarithm")
    rows: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        default=(), description="divisor of each entry of the middle axis; empty: none"
    )

    def normalise(self, values: Any, xp: ModuleType) -> Any:
        """Scale raw measurements: `compress`, then `scale`.

        Args:
            values: Raw amplitudes of any shape; `(..., T, R)` with `rows`.
            xp: Module of the array type, `numpy` or `torch`.
        """
        return self.scale(self.compress(values, xp))

    def compress(self, values: Any, xp: ModuleType) -> Any:
        """Divide by `rows` and take the logarithm, as far as the problem has them; see `normalise`."""
        if self.rows:
            device = {"device": values.device} if hasattr(values, "device") else {}
            values = values / xp.asarray(self.rows, dtype=values.dtype, **device)[:, None]
        if not self.log:
            return values
        # reuse one buffer: allocating it again costs more than the copy
        magnitude = xp.abs(values)
        xp.log1p(magnitude, out=magnitude)
        return xp.copysign(magnitude, values, out=magnitude)

    def scale(self, compressed: Any) -> Any:
        """Apply the linear map, which may also be applied to averages of compressed amplitudes."""
        low, high = (math.copysign(math.log1p(abs(a)), a) if self.log else a for a in (self.low, self.high))
        return (compressed - low) * (2.0 / (high - low)) - 1.0


class Problem(Frozen):
    """Grid, survey, physics, property and scaling of measurements of an inverse problem."""

    grid: Grid = Field(description="grid of the maps")
    survey: Annotated[SeismicSurvey | ElectromagneticSurvey, Field(discriminator="kind")] = Field(
        description="sources, receivers, and time axis or frequencies"
    )
    physics: Annotated[AcousticPhysics | ElectromagneticPhysics, Field(discriminator="kind")] | None = Field(
        description="discretisation of the simulation; None if the suite cannot simulate the problem"
    )
    property: Property = Field(description="property to be determined")
    amplitude: Amplitude = Field(description="scaling of measurements")
    noise: float = Field(
        default=0.0, ge=0, description="norm of the noise over that of the noise-free measurement; 0: none or not known"
    )

    @model_validator(mode="after")
    def _check_rows(self) -> Problem:
        rows, expected = len(self.amplitude.rows), self.survey.shape[1]
        if rows not in (0, expected):
            raise ValueError(f"amplitude has {rows} rows, expected none or {expected}, as the measurement has")
        return self

    @builtins.property  # the field of that name hides the decorator
    def measurement_shape(self) -> tuple[int, int, int]:
        """Shape of one measurement, `(S, T, R)` or `(S, 2 F, R)`."""
        return self.survey.shape

    @builtins.property
    def property_shape(self) -> tuple[int, int, int]:
        """Shape `(1, Z, X)` of one property map."""
        return (1, *self.grid.shape)

    def check_measurements(self, shape: tuple[int, ...]) -> None:
        """Raise `ProblemError` unless `shape` is `(n, S, T, R)` of this problem."""
        _check("measurements", shape, self.measurement_shape)

    def check_properties(self, shape: tuple[int, ...]) -> None:
        """Raise `ProblemError` unless `shape` is `(n, 1, Z, X)` of this problem."""
        _check("properties", shape, self.property_shape)


def seismic_survey(problem: Problem) -> SeismicSurvey:
    """Return the survey of a seismic problem; raises `TypeError` for another one."""
    if not isinstance(problem.survey, SeismicSurvey):
        raise TypeError("expected a seismic survey")
    return problem.survey


def acoustic_physics(problem: Problem) -> AcousticPhysics:
    """Return the physics of an acoustic problem; raises `TypeError` for another one."""
    if not isinstance(problem.physics, AcousticPhysics):
        raise TypeError("expected acoustic physics")
    return problem.physics


def _check(what: str, shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    if len(shape) != 4 or tuple(shape[1:]) != expected:
        text = ", ".join(("n", *map(str, expected)))
        raise ProblemError(
            f"{what} have shape {tuple(shape)}, expected ({text})",
            "the first axis counts samples; a single sample needs a leading axis of length 1",
        )
