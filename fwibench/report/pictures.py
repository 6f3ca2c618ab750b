"""Pictures of samples: maps over their measurements."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fwibench.problem import ElectromagneticSurvey, Grid, Problem, SeismicSurvey
from fwibench.report.canvas import new_figure
from fwibench.samples import Split
from fwibench.typing import Array32, Array64, Maps

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 4
SEEN = 0.5
"""Illumination at the limit that is drawn."""
COLOURS = "cividis"
"""Perceptually uniform, and readable in grey."""


@dataclass(frozen=True)
class MapRow:
    """Maps in a row with one colour bar, their measurements below.

    Attributes:
        names: Names of the maps.
        maps: `(n, 1, Z, X)`, in the unit of the property.
        measurements: `(n, S, T, R)`.
        problem: Gives grid, survey and bounds.
        room: Width of the picture, in maps.
        seen: Illumination `(Z, X)` of each map, whose limit is drawn; None or empty for none.
        measured: What each measurement is, for its title; empty for none.
    """

    names: Sequence[str]
    maps: Array32
    measurements: Array32
    problem: Problem
    room: int = COLUMNS
    seen: Sequence[Array32 | None] = ()
    measured: Sequence[str] = ()

    def figure(self) -> Figure:
        """Draw the row."""
        figure = new_figure(figsize=(3 * self.room, 6), layout="constrained")
        axes = figure.subplots(2, len(self.maps), squeeze=False)
        bounds = self.problem.property
        for column in range(len(self.maps)):
            place = axes[0, column]
            image = place.imshow(
                self.maps[column, 0],
                cmap=COLOURS,
                vmin=bounds.low,
                vmax=bounds.high,
                extent=extent_of(self.problem.grid),
                aspect="equal" if is_compact(self.problem.grid) else "auto",
            )
            place.set_title(self.names[column], fontsize="small")
            place.set(xlabel="x [km]", ylabel="depth [km]" if column == 0 else "")
            if self.seen and (shown := self.seen[column]) is not None:
                draw_limit(place, shown, self.problem.grid)
            _draw_measurement(axes[1, column], self.measurements[column], self.problem.survey, first=column == 0)
            if self.measured:
                axes[1, column].set_title(f"{self.measured[column]}, {axes[1, column].get_title()}", fontsize="small")
        beyond = {(True, True): "both", (True, False): "min", (False, True): "max", (False, False): "neither"}
        extend = beyond[bool((self.maps < bounds.low).any()), bool((self.maps > bounds.high).any())]
        figure.colorbar(image, ax=list(axes[0]), extend=extend, label=f"{bounds.name} [{bounds.unit}]")
        return figure


def samples_figure(split: Split, problem: Problem) -> Figure:
    """Draw four samples of a split, spread evenly: maps in a row with one colour bar, their measurements below."""
    shown = split.spread(COLUMNS)
    measurements = np.stack([shown.measurements[i] for i in range(len(shown))])
    return MapRow(shown.ids, shown.properties[:], measurements, problem).figure()


def comparison_figure(names: Sequence[str], truth: Maps, predictions: Maps, problem: Problem) -> Figure:
    """Draw true maps, predicted ones below, and below these the errors.

    Args:
        names: Names of the samples.
        truth: `(n, 1, Z, X)`, in the unit of the property.
        predictions: As `truth`.
        problem: Gives grid and bounds.
    """
    depth = min(max(problem.grid.nz / problem.grid.nx, 0.4), 1.0)
    figure = new_figure(figsize=(3 * max(len(names), 2), 2 + 6.5 * depth), layout="constrained")
    axes = figure.subplots(3, len(names), squeeze=False)
    bounds = problem.property
    errors = finite(predictions) - finite(truth)
    largest = float(np.abs(errors).max()) or 1.0
    known = {"cmap": COLOURS, "vmin": bounds.low, "vmax": bounds.high}
    signed = {"cmap": "RdBu_r", "vmin": -largest, "vmax": largest}
    rows: tuple[tuple[str, NDArray[Any], dict[str, Any], str], ...] = (
        ("truth", truth, known, bounds.name),
        ("prediction", predictions, known, bounds.name),
        ("error", errors, signed, "prediction - truth"),
    )
    aspect = "equal" if is_compact(problem.grid) else "auto"
    for place, (label, maps, colours, what) in zip(axes, rows, strict=True):
        for column, axis in enumerate(place):
            image = axis.imshow(maps[column, 0], extent=extent_of(problem.grid), aspect=aspect, **colours)
            axis.set_ylabel(f"{label}\ndepth [km]" if column == 0 else "")
        figure.colorbar(image, ax=list(place), label=f"{what} [{bounds.unit}]")
    for column, name in enumerate(names):
        axes[0, column].set_title(name, fontsize="small")
        axes[-1, column].set_xlabel("x [km]")
    return figure


def render(figure: Figure) -> bytes:
    """Return a figure as PNG."""
    stream = io.BytesIO()
    # numbers far beyond the colours overflow within matplotlib, and are drawn in the last colour all the same
    with np.errstate(all="ignore"):
        figure.savefig(stream, dpi=100)
    return stream.getvalue()


def draw_limit(axes: Axes, seen: Array32, grid: Grid) -> None:
    """Draw where a survey stops seeing: a dashed line at half of full illumination.

    Args:
        axes: Shows a map of the grid with `extent_of` [km].
        seen: Illumination `(Z, X)` from 0 to 1.
        grid: Of both.
    """
    if not seen.min() < SEEN < seen.max():
        return
    x, z = (np.arange(n) * grid.spacing / 1e3 for n in (grid.nx, grid.nz))
    axes.contour(x, z, seen, levels=[SEEN], colors="white", linewidths=1.2)
    axes.contour(x, z, seen, levels=[SEEN], colors="black", linewidths=0.8, linestyles="dashed")


def extent_of(grid: Grid) -> tuple[float, float, float, float]:
    """Left, right, bottom and top of a map [km], depth downwards."""
    return 0.0, (grid.nx - 1) * grid.spacing / 1e3, (grid.nz - 1) * grid.spacing / 1e3, 0.0


def is_compact(grid: Grid) -> bool:
    """Whether a map can be drawn in its real proportions; a longer one is squeezed."""
    return max(grid.shape) - 1 <= 2 * (min(grid.shape) - 1)


def _draw_measurement(
    axes: Axes, measurement: Array32, survey: SeismicSurvey | ElectromagneticSurvey, *, first: bool
) -> None:
    if isinstance(survey, ElectromagneticSurvey):
        _draw_field(axes, finite(measurement), survey, first=first)
        return
    source = len(measurement) // 2
    gather = finite(measurement[source])
    limit = float(np.quantile(np.abs(gather), 0.95)) or 1.0
    places = along(survey, source)
    axes.imshow(
        gather,
        cmap="Greys",
        vmin=-limit,
        vmax=limit,
        aspect="auto",
        extent=(places[0], places[-1], (survey.nt - 1) * survey.dt, 0),
    )
    axes.set(title=f"source {source + 1} of {len(measurement)}", xlabel="receiver [km]")
    axes.set_ylabel("time [s]" if first else "")


def _draw_field(axes: Axes, measurement: NDArray[Any], survey: ElectromagneticSurvey, *, first: bool) -> None:
    """Magnitude along the receivers, a line each frequency, of the first source."""
    field = np.hypot(measurement[0, 0::2], measurement[0, 1::2])
    lines: list[Any] = [
        axes.semilogy(along(survey), values, label=f"{frequency:g} Hz")
        for frequency, values in zip(survey.frequencies, field, strict=True)
    ]
    axes.set(title=f"source 1 of {len(measurement)}", xlabel="receiver [km]")
    axes.set_ylabel("|E| [V/m]" if first else "")
    if first and lines:
        axes.legend(fontsize="x-small", ncols=2)


def finite(values: Array32) -> Array64:
    """Values as any picture bears them: what a damaged file holds beside numbers is 0, or the largest of float32."""
    largest = float(np.finfo(np.float32).max)
    return np.nan_to_num(np.asarray(values, np.float64), posinf=largest, neginf=-largest)


def along(survey: SeismicSurvey | ElectromagneticSurvey, source: int = 0) -> Array64:
    """Receivers of a source along the axis on which they spread [km]."""
    receivers = survey.receivers_of(source) if isinstance(survey, SeismicSurvey) else survey.receivers
    places = np.array([[point.x, point.z] for point in receivers]) / 1e3
    return places[:, int(np.ptp(places[:, 1]) > np.ptp(places[:, 0]))]
