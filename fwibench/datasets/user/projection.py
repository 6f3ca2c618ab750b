"""Projection of sources and receivers from map coordinates to positions in a section.

Invariant: all samples of a dataset have one survey; samples whose headers differ are an error, and nothing is averaged.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fwibench.datasets.readers.segy_positions import MapPositions
from fwibench.errors import DataError, UsageError
from fwibench.problem import Grid
from fwibench.typing import Array64

DIGITS = 4
"""Decimals of positions [m]: the smallest scalar of coordinates in files is 1/10000."""
SAME_SPACING = 0.01
"""Largest relative difference of the distance of columns from the spacing: coordinates in whole metres of a section of
100 columns or more are that exact."""


@dataclass(frozen=True)
class SectionFrame:
    """Position and direction of a section on the map.

    Attributes:
        origin: X and Y of its first column [m].
        direction: Unit vector along it.
    """

    origin: Array64
    direction: Array64


@dataclass(frozen=True)
class GivenPositions:
    """Positions that the user gives; None where nothing is given.

    Attributes:
        sources: x of the sources [m].
        receivers: x of the receivers [m].
        origin: X, or X and Y, of the first column [m].
        top: Elevation of the first row [m].
    """

    sources: list[float] | None = None
    receivers: list[float] | None = None
    origin: list[float] | None = None
    top: float | None = None


@dataclass(frozen=True)
class SectionPositions:
    """Positions of a survey in the section.

    Attributes:
        sources: x and depth of each source [m], `(S, 2)`; depths are NaN where headers have none.
        receivers: The same of the receivers of each shot, `(S, R, 2)`.
        moving: Whether the receivers move from shot to shot.
        notes: Notes on what was used and assumed.
    """

    sources: Array64
    receivers: Array64
    moving: bool
    notes: tuple[str, ...]


def find_frame(columns: Array64, grid_spacing: float) -> tuple[SectionFrame | None, list[str]]:
    """Return the frame of a section from the coordinates of its columns.

    Args:
        columns: X and Y of each column [m], `(X, 2)`.
        grid_spacing: Spacing of the columns [m].

    Returns:
        The frame, None where there are no coordinates or they are not the spacing apart; and notes.
    """
    if len(columns) < 2:
        return None, []
    ends = columns[-1] - columns[0]
    length = float(np.hypot(*ends))
    step = length / (len(columns) - 1)
    if length == 0 or abs(step - grid_spacing) > SAME_SPACING * grid_spacing:
        return None, [
            f"columns of the maps are {step:g} m apart by their headers (bytes 181, 185), --spacing is "
            f"{grid_spacing:g} m; these coordinates are not used"
        ]
    return SectionFrame(columns[0], ends / length), []


def project_samples(
    samples: Sequence[MapPositions], frames: Sequence[SectionFrame | None], grid: Grid, given: GivenPositions
) -> SectionPositions:
    """Project sources and receivers of all samples on their sections.

    Args:
        samples: Positions of each sample.
        frames: Frame of the section of each sample; None where it is not known.
        grid: Gives width and spacing.
        given: Positions of the user, which override those of the headers.

    Returns:
        Positions of all samples.

    Raises:
        DataError: Samples have different surveys, and the user gives no positions.
        UsageError: The origin does not fit the line.
    """
    projected: list[tuple[tuple[Array64, Array64], tuple[Array64, Array64]]] = []
    notes: list[str] = []
    for sample, frame in zip(samples, frames, strict=True):
        x, new_notes = _along(sample, frame, grid, given)
        projected.append((x, _depths(sample, given, notes)))
        notes += new_notes
    (sources, receivers), depths = projected[0]
    for number, ((other_sources, other_receivers), _) in enumerate(projected):
        for what, one, other, known in (
            ("sources", sources, other_sources, given.sources),
            ("receivers", receivers, other_receivers, given.receivers),
        ):
            if known is None and (far := float(np.abs(one - other).max())) > grid.spacing / 2:
                raise DataError(
                    f"the headers place {what} of sample {number} up to {far:g} m from those of sample 0; all samples "
                    "of a dataset have one survey",
                    f"give the positions in the section with --{what[:-1]}-x, or add the files as separate datasets",
                )
    moving = bool((np.abs(receivers - receivers[:1]) > 1e-3 * grid.spacing).any())
    if moving:
        notes.append("receivers move with the source")
    return SectionPositions(
        _rounded(sources, depths[0]),
        _rounded(receivers, depths[1]),
        moving,
        tuple(dict.fromkeys(notes)),
    )


def _rounded(x: Array64, z: Array64) -> Array64:
    # 0 is added since a rounded -1e-9 is -0
    return np.stack([x, z], axis=-1).round(DIGITS) + 0.0


def _along(
    sample: MapPositions, frame: SectionFrame | None, grid: Grid, given: GivenPositions
) -> tuple[tuple[Array64, Array64], list[str]]:
    """Positions along the section of sources `(S,)` and receivers `(S, R)` of a sample, and notes."""
    points = np.concatenate([sample.sources[:, :2], sample.receivers[..., :2].reshape(-1, 2)])
    reference = np.zeros(2)
    if frame is not None:
        direction, reference = frame.direction, frame.origin
        how = f"the first column lies at X {reference[0]:.10g}, Y {reference[1]:.10g} (bytes 181, 185 of the maps)"
    else:
        direction = _direction(points)
        how = ""
        if np.count_nonzero(direction) == 2:
            reference = points.mean(axis=0)
    across = (points - reference) @ np.array([-direction[1], direction[0]])
    if frame is None:
        across -= np.median(across)
    along = (points - reference) @ direction
    if given.origin is not None or frame is None:
        first, sign, how = _first_column(along, direction, reference, len(sample.sources), grid, given)
        along = sign * (along - first)
    x = along[: len(sample.sources)], along[len(sample.sources) :].reshape(sample.receivers.shape[:2])
    true = np.linalg.norm(sample.receivers[..., :2] - sample.sources[:, None, :2], axis=-1)
    change = float(np.abs(true - np.abs(x[1] - x[0][:, None])).max())
    notes = [f"positions are those of the trace headers (bytes 73 to 88): {how}"]
    if (far := float(np.abs(across).max())) > grid.spacing / 2:
        notes.append(
            f"positions lie up to {far:.3g} m beside the line; projecting them changes distances from source to "
            f"receiver by up to {change:.3g} m"
        )
    return x, notes


def _direction(points: Array64) -> Array64:
    """Unit vector along points, towards larger X or Y."""
    spans = np.ptp(points, axis=0)
    if spans[1] == 0 or spans[0] == 0:
        return np.array([1.0, 0.0]) if spans[0] or not spans[1] else np.array([0.0, 1.0])
    # each position counts once, however often it is used
    centred = np.unique(points, axis=0)
    found: Array64 = np.linalg.svd(centred - centred.mean(axis=0), full_matrices=False)[2][0]
    return found * np.sign(found[np.argmax(np.abs(found))])


def _first_column(
    along: Array64, direction: Array64, reference: Array64, sources: int, grid: Grid, given: GivenPositions
) -> tuple[float, float, str]:
    """Position of the first column along the line, sign of x along it (1 or -1), and the reason."""
    if given.origin is not None:
        origin = np.array(given.origin)
        if len(origin) == 1:
            if direction[0] == 0:
                raise UsageError(f"--origin is {origin[0]:g}, the line runs along Y", "write --origin X,Y")
            first = (float(origin[0]) - reference[0]) / direction[0]
        else:
            first = float((origin - reference) @ direction)
        sign = -1.0 if along.max() - first <= grid.spacing / 2 and np.ptp(along) else 1.0
        return first, sign, "x counts from --origin" + (", against the coordinates" if sign < 0 else "")
    for what, known, found in (
        ("source", given.sources, along[:sources]),
        ("receiver", given.receivers, along[sources:]),
    ):
        if known is not None and len(found) % len(known) == 0:
            shift = float(np.median(found.reshape(-1, len(known)) - np.array(known)))
            return shift, 1.0, f"x counts so that they fit --{what}-x"
    width = (grid.nx - 1) * grid.spacing
    if not reference.any() and along.min() >= 0 and along.max() <= width + grid.spacing / 2:
        return 0.0, 1.0, f"x counts from {'X' if direction[0] else 'Y'} = 0, since all lie within the section then"
    point = reference + along.min() * direction
    return (
        float(along.min()),
        1.0,
        f"assumed: the first column lies at the first position, X {point[0]:.10g}, Y {point[1]:.10g}; --origin "
        "changes it",
    )


def _depths(sample: MapPositions, given: GivenPositions, notes: list[str]) -> tuple[Array64, Array64]:
    """Depths of sources `(S,)` and receivers `(S, R)` below the first row [m]; NaN where headers have none."""
    heights = sample.sources[:, 2], sample.receivers[..., 2]
    if not sample.has_heights:
        return heights[0] * np.nan, heights[1] * np.nan
    top = given.top
    if top is None:
        highest = max(float(one.max()) for one in heights)
        top = max(highest, 0.0)
        if top > 0:
            notes.append(
                f"assumed: the first row has the elevation of the highest position, {top:g} m; --top changes it"
            )
    return top - heights[0], top - heights[1]
