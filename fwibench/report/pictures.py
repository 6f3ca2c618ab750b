"""Pictures of samples: maps above their measurements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fwibench.problem import ElectromagneticSurvey, Grid, Problem, SeismicSurvey
from fwibench.report.canvas import new_figure, render
from fwibench.samples import Split
from fwibench.typing import Array32, Array64, Maps

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 4
LOUD = 0.95
"""Quantile of the amplitudes beyond which a gather is black or white."""
SEEN = 0.5
"""Illumination at the limit that is drawn, as a fraction of full illumination."""
COLOURS = "cividis"
"""Perceptually uniform, and readable in greyscale."""


@dataclass(frozen=True)
class MapPanel:
    """A map and its measurement.

    Attributes:
        name: Title of the map.
        map: `(Z, X)`, in the unit of the property.
        measurement: `(S, T, R)` or `(S, 2 F, R)`.
        seen: Illumination `(Z, X)`, whose limit is drawn; None to draw none.
        measured: What the measurement is, for its title; empty for none.
    """

    name: str
    map: Array32
    measurement: Array32
    seen: Array32 | None = None
    measured: str = ""


def samples_figure(split: Split, problem: Problem) -> Figure:
    """Draw four samples of a split, spread evenly: maps in a row with one colour bar, their measurements below.

    Args:
        split: The split.
        problem: Problem of the dataset.
    """
    shown = split.spread(COLUMNS)
    maps = shown.properties[:]
    return _figure([MapPanel(shown.ids[i], maps[i, 0], shown.measurements[i]) for i in range(len(shown))], problem)


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
    for row, (label, maps, colours, what) in zip(axes, rows, strict=True):
        for column, axis in enumerate(row):
            image = axis.imshow(maps[column, 0], extent=extent_of(problem.grid), aspect=aspect, **colours)
            axis.set_ylabel(f"{label}\ndepth [km]" if column == 0 else "")
        figure.colorbar(image, ax=list(row), label=f"{what} [{bounds.unit}]")
    for column, name in enumerate(names):
        axes[0, column].set_title(name, fontsize="small")
        axes[-1, column].set_xlabel("x [km]")
    return figure


def draw_maps(panels: Sequence[MapPanel], problem: Problem, room: int = COLUMNS) -> bytes:
    """Return a PNG of maps in a row with one colour bar, their measurements below.

    Args:
        panels: The maps with their measurements.
        problem: Problem of all of them.
        room: Width of the picture, in maps.
    """
    return render(_figure(panels, problem, room))


def _figure(panels: Sequence[MapPanel], problem: Problem, room: int = COLUMNS) -> Figure:
    figure = new_figure(figsize=(3 * room, 6), layout="constrained")
    axes = figure.subplots(2, len(panels), squeeze=False)
    bounds = problem.property
    for column, panel in enumerate(panels):
        above, below = axes[:, column]
        image = above.imshow(
            panel.map,
            cmap=COLOURS,
            vmin=bounds.low,
            vmax=bounds.high,
            extent=extent_of(problem.grid),
            aspect="equal" if is_compact(problem.grid) else "auto",
        )
        above.set_title(panel.name, fontsize="small")
        above.set(xlabel="x [km]", ylabel="depth [km]" if column == 0 else "")
        if panel.seen is not None:
            draw_limit(above, panel.seen, problem.grid)
        _draw_measurement(below, panel.measurement, problem.survey, first=column == 0)
        if panel.measured:
            below.set_title(f"{panel.measured}, {below.get_title()}", fontsize="small")
    extend = beyond([panel.map for panel in panels], problem)
    figure.colorbar(image, ax=list(axes[0]), extend=extend, label=f"{bounds.name} [{bounds.unit}]")
    return figure


def draw_limit(axes: Axes, seen: Array32, grid: Grid) -> None:
    """Draw the limit of a survey's illumination: a dashed line at half of full illumination.

    Args:
        axes: Axes with a map of the grid, in the extent of `extent_of` [km].
        seen: Illumination `(Z, X)` from 0 to 1.
        grid: Grid of both.
    """
    if not seen.min() < SEEN < seen.max():
        return
    x, z = (np.arange(n) * grid.spacing / 1e3 for n in (grid.nx, grid.nz))
    axes.contour(x, z, seen, levels=[SEEN], colors="white", linewidths=1.2)
    axes.contour(x, z, seen, levels=[SEEN], colors="black", linewidths=0.8, linestyles="dashed")


def extent_of(grid: Grid) -> tuple[float, float, float, float]:
    """Return left, right, bottom and top of a map [km], with depth downwards."""
    return 0.0, (grid.nx - 1) * grid.spacing / 1e3, (grid.nz - 1) * grid.spacing / 1e3, 0.0


def is_compact(grid: Grid) -> bool:
    """Return whether a map is drawn in its real proportions; a longer one is compressed."""
    return max(grid.shape) - 1 <= 2 * (min(grid.shape) - 1)


def _draw_measurement(
    axes: Axes, measurement: Array32, survey: SeismicSurvey | ElectromagneticSurvey, *, first: bool
) -> None:
    if isinstance(survey, ElectromagneticSurvey):
        _draw_field(axes, finite(measurement), survey, first=first)
        return
    source = shown_source(measurement, survey)
    gather = finite(measurement[source])
    limit = grey_limit(gather)
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
    """Draw the magnitude of the first source along the receivers, a line for each frequency."""
    field = np.hypot(measurement[0, 0::2], measurement[0, 1::2])
    lines: list[Any] = [
        axes.semilogy(along(survey), values, label=f"{frequency:g} Hz")
        for frequency, values in zip(survey.frequencies, field, strict=True)
    ]
    axes.set(title=f"source 1 of {len(measurement)}", xlabel="receiver [km]")
    axes.set_ylabel("|E| [V/m]" if first else "")
    if first and lines:
        axes.legend(fontsize="x-small", ncols=2)


def shown_source(measurement: Array32, survey: SeismicSurvey | ElectromagneticSurvey) -> int:
    """Return the source whose gather or field is shown: the middle one of a seismic survey, else the first."""
    return len(measurement) // 2 if isinstance(survey, SeismicSurvey) else 0


def grey_limit(gather: Array64) -> float:
    """Return the amplitude at the ends of the grey scale of a gather: few amplitudes are larger."""
    return float(np.quantile(np.abs(gather), LOUD)) or 1.0


def finite(values: Array32) -> Array64:
    """Return values without NaN (0 instead) and infinity (the largest of float32 instead), which damaged files hold."""
    largest = float(np.finfo(np.float32).max)
    return np.nan_to_num(np.asarray(values, np.float64), posinf=largest, neginf=-largest)


def along(survey: SeismicSurvey | ElectromagneticSurvey, source: int = 0) -> Array64:
    """Return the positions of a source's receivers along the axis on which they spread [km].

    Args:
        survey: The survey.
        source: Number of the source; matters if receivers move with it.
    """
    receivers = survey.receivers_of(source) if isinstance(survey, SeismicSurvey) else survey.receivers
    places = np.array([[point.x, point.z] for point in receivers]) / 1e3
    return places[:, int(np.ptp(places[:, 1]) > np.ptp(places[:, 0]))]


def beyond(maps: Sequence[Array32], problem: Problem) -> str:
    """Return which ends of the colour bar values exceed, as matplotlib's `extend`.

    Args:
        maps: Maps in the unit of the property.
        problem: Gives the bounds, which are the ends.
    """
    bounds = problem.property
    low, high = any((one < bounds.low).any() for one in maps), any((one > bounds.high).any() for one in maps)
    return "both" if low and high else "min" if low else "max" if high else "neither"
