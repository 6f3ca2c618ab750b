"""The problem: all that a method may know before it sees data.

Invariant: a problem is a plain, frozen, hashable value in SI units. Whatever depends on the data at
hand (a batch maximum, a mean) has no place here, so the same numbers mean the same in every run.
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
    """Base of the suite's values: immutable, hashable, no unknown fields."""

    # JSON, which records and descriptions are written in, has neither NaN nor infinity
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Grid(Frozen):
    """A regular grid of nodes; node (row, column) lies at depth row * spacing, x = column * spacing."""

    nz: int = Field(gt=0, description="rows, depth first")
    nx: int = Field(gt=0, description="columns")
    spacing: float = Field(gt=0, description="distance of neighbouring nodes [m]")

    @property
    def shape(self) -> tuple[int, int]:
        """`(nz, nx)`."""
        return self.nz, self.nx


class Point(Frozen):
    """A place in the section [m]."""

    x: float = Field(description="along the section [m]")
    z: float = Field(description="depth [m]")


class Ricker(Frozen):
    """A Ricker wavelet of unit peak amplitude."""

    frequency: float = Field(gt=0, description="peak frequency [Hz]")
    delay: float = Field(ge=0, description="time of the peak [s]")


class SampledWavelet(Frozen):
    """A source wavelet given by its samples, such as one that was measured or estimated from the data."""

    samples: tuple[float, ...] = Field(
        min_length=2, description="amplitude at the time samples of the survey, from time 0; zero after the last one"
    )
    frequency: float = Field(gt=0, description="peak frequency of its amplitude spectrum [Hz]")
    delay: float = Field(ge=0, description="time of its largest absolute amplitude [s]")


class SeismicSurvey(Frozen):
    """Sources, receivers, time axis and wavelet; every receiver of a shot records that shot."""

    kind: Literal["seismic"] = Field(default="seismic", description="tells surveys apart")
    sources: tuple[Point, ...] = Field(min_length=1, description="S places")
    receivers: tuple[Point, ...] = Field(min_length=1, description="R places; of the first shot, if they move")
    shot_receivers: tuple[tuple[Point, ...], ...] = Field(
        default=(), description="S x R places where receivers move with the source; empty: the same for every shot"
    )
    nt: int = Field(gt=0, description="time samples")
    dt: float = Field(gt=0, description="time step [s]")
    wavelet: Ricker | SampledWavelet = Field(description="of every source")

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape `(S, T, R)` of one measurement."""
        return len(self.sources), self.nt, len(self.receivers)

    def receivers_of(self, shot: int) -> tuple[Point, ...]:
        """Places of the receivers that record one shot, `R` of them."""
        return self.shot_receivers[shot] if self.shot_receivers else self.receivers

    def with_shots(self, shots: Sequence[int]) -> SeismicSurvey:
        """Return the survey with some of its shots only, in the given order."""
        moving = tuple(self.shot_receivers[shot] for shot in shots) if self.shot_receivers else ()
        return self.model_copy(
            update={
                "sources": tuple(self.sources[shot] for shot in shots),
                "receivers": moving[0] if moving else self.receivers,
                "shot_receivers": moving,
            }
        )

    @model_validator(mode="after")
    def _places_of_every_shot(self) -> SeismicSurvey:
        counts = {len(places) for places in self.shot_receivers}
        if self.shot_receivers and (len(self.shot_receivers) != len(self.sources) or counts != {len(self.receivers)}):
            raise ValueError(
                f"shot_receivers has {len(self.shot_receivers)} shots of {sorted(counts)} receivers, expected "
                f"{len(self.sources)} shots of {len(self.receivers)}"
            )
        if self.shot_receivers and self.shot_receivers[0] != self.receivers:
            raise ValueError("receivers must be the places of the first shot in shot_receivers")
        return self


class ElectromagneticSurvey(Frozen):
    """Line sources and receivers of the electric field, frequency by frequency."""

    kind: Literal["em"] = Field(default="em", description="tells surveys apart")
    sources: tuple[Point, ...] = Field(min_length=1, description="S places")
    receivers: tuple[Point, ...] = Field(min_length=1, description="R places")
    frequencies: tuple[float, ...] = Field(min_length=1, description="[Hz]")

    @property
    def shape(self) -> tuple[int, int, int]:
        """Shape `(S, 2 F, R)` of one measurement: real and imaginary part of each frequency in turn."""
        return len(self.sources), 2 * len(self.frequencies), len(self.receivers)


class AcousticPhysics(Frozen):
    """How the constant-density acoustic wave equation is solved.

    `pml_freq` and `max_velocity` are pinned here because deepwave otherwise takes them from the batch,
    and one model would give other data in other company.
    """

    kind: Literal["acoustic"] = Field(default="acoustic", description="tells physics apart")
    accuracy: Literal[2, 4, 6, 8] = Field(description="order of the finite differences in space")
    pml_width: int = Field(ge=0, description="absorbing cells on each of the four sides")
    pml_freq: float = Field(gt=0, description="frequency the absorbing layer is tuned to [Hz]")
    max_velocity: float = Field(gt=0, description="fixes the inner time step [m/s]")
    courant_number: float | None = Field(
        default=None, gt=0, description="largest one of an inner time step; None is deepwave's choice"
    )
    free_surface: bool = Field(
        default=False, description="whether the pressure is zero on the plane one cell above row 0; else it absorbs"
    )
    source_scale: float = Field(
        default=1.0, description="recorded amplitude over that of a source v^2 w(t) on one node; negative: reversed"
    )


class ElectromagneticPhysics(Frozen):
    """How the field of line currents is computed: mesh and surroundings of the section."""

    kind: Literal["electromagnetic"] = Field(default="electromagnetic", description="tells physics apart")
    fine_cell: float = Field(gt=0, description="cell inside the section [m]")
    coarse_cell: float = Field(gt=0, description="cell at low frequencies [m]")
    coarse_up_to: float = Field(ge=0, description="highest frequency that takes the coarse cell [Hz]")
    padding: float = Field(ge=0, description="how far the mesh goes beyond the section on each side [m]")
    air: bool = Field(description="whether air lies above depth 0; otherwise the top row goes on upwards")


class Property(Frozen):
    """What is sought, with the bounds that scale it."""

    name: str = Field(description="such as velocity")
    unit: str = Field(description="such as m/s")
    low: float = Field(description="lower bound, scaled to -1")
    high: float = Field(description="upper bound, scaled to 1")

    @model_validator(mode="after")
    def _ordered(self) -> Property:
        if not self.low < self.high:
            raise ValueError(f"bounds of {self.name} must satisfy low < high, got {self.low}, {self.high}")
        return self

    def normalise(self, values: Any) -> Any:
        """Maps [low, high] to [-1, 1]; arrays and tensors alike."""
        return (values - self.low) * (2.0 / (self.high - self.low)) - 1.0

    def denormalise(self, values: Any) -> Any:
        """Inverse of `normalise`."""
        return (values + 1.0) * ((self.high - self.low) / 2.0) + self.low

    def outside(self, values: Any) -> int:
        """How many entries lie beyond the bounds; arrays and tensors alike."""
        return int(((values < self.low) | (values > self.high)).sum())


class Amplitude(Frozen):
    """Scaling of measurements to about [-1, 1], by constants that belong to the problem.

    `rows`, if given, divides each entry of the middle axis by an amplitude of its own: electromagnetic
    fields differ by orders of magnitude between frequencies. Then `log` compresses with
    sign(u) ln(1 + |u|), as OpenFWI does. `low` and `high` are the amplitudes, so divided, that a linear
    map takes to -1 and 1.
    """

    low: float = Field(description="amplitude that is scaled to -1")
    high: float = Field(description="amplitude that is scaled to 1")
    log: bool = Field(default=False, description="whether the logarithm comes before the linear map")
    rows: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        default=(), description="amplitude of each entry of the middle axis; empty for none"
    )

    def normalise(self, values: Any, xp: ModuleType) -> Any:
        """Scales raw measurements: `scale` after `compress`.

        Args:
            values: Raw amplitudes, any shape; `(..., T, R)` where there are `rows`.
            xp: The module that owns them, `numpy` or `torch`.
        """
        return self.scale(self.compress(values, xp))

    def compress(self, values: Any, xp: ModuleType) -> Any:
        """What is not one linear map for all: division by `rows` and the logarithm, or nothing."""
        if self.rows:
            place = {"device": values.device} if hasattr(values, "device") else {}
            values = values / xp.asarray(self.rows, dtype=values.dtype, **place)[:, None]
        if not self.log:
            return values
        # one buffer for all three steps: measurements are large, and allocating another costs more than the copy
        magnitude = xp.abs(values)
        xp.log1p(magnitude, out=magnitude)
        return xp.copysign(magnitude, values, out=magnitude)

    def scale(self, compressed: Any) -> Any:
        """The linear part, which may as well follow an average."""
        low, high = (math.copysign(math.log1p(abs(a)), a) if self.log else a for a in (self.low, self.high))
        return (compressed - low) * (2.0 / (high - low)) - 1.0


class Problem(Frozen):
    """Grid, survey, physics, property and measurement scaling of one inverse problem."""

    grid: Grid = Field(description="nodes of the map")
    survey: Annotated[SeismicSurvey | ElectromagneticSurvey, Field(discriminator="kind")] = Field(
        description="how it is measured"
    )
    physics: Annotated[AcousticPhysics | ElectromagneticPhysics, Field(discriminator="kind")] | None = Field(
        description="None where the suite does not simulate it"
    )
    property: Property = Field(description="what is sought")
    amplitude: Amplitude = Field(description="how measurements are scaled")
    noise: float = Field(
        default=0.0, ge=0, description="size of the noise over that of the clean measurement; 0: none, or not known"
    )

    @model_validator(mode="after")
    def _a_row_each(self) -> Problem:
        rows, expected = len(self.amplitude.rows), self.survey.shape[1]
        if rows not in (0, expected):
            raise ValueError(f"amplitude has {rows} rows, a measurement {expected}; expected one each, or none")
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
        """Raises `ProblemError` unless `shape` is `(n, S, T, R)` of this problem."""
        _check("measurements", shape, self.measurement_shape)

    def check_properties(self, shape: tuple[int, ...]) -> None:
        """Raises `ProblemError` unless `shape` is `(n, 1, Z, X)` of this problem."""
        _check("properties", shape, self.property_shape)


def _check(what: str, shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    if len(shape) != 4 or tuple(shape[1:]) != expected:
        wanted = ", ".join(("n", *map(str, expected)))
        raise ProblemError(
            f"{what} have shape {tuple(shape)}, expected ({wanted})",
            "the first axis counts samples; a single sample needs a leading axis of length 1",
        )
