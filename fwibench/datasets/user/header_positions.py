"""Positions of trace headers as options of the survey, where the user gives none.

Invariant: an option of the user is kept, and a note says where headers differ from it by more than half a spacing.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fwibench.datasets.user.options import AddOptions
from fwibench.datasets.user.projection import SectionPositions
from fwibench.datasets.user.survey import Side, fixed_positions
from fwibench.errors import UsageError
from fwibench.problem import Grid
from fwibench.typing import Array64

SIDES: tuple[Side, ...] = ("source", "receiver")


def fill_positions(options: AddOptions, headers: SectionPositions, grid: Grid) -> tuple[AddOptions, list[str]]:
    """Return the options with positions and depths of the headers where none are given, and notes.

    Args:
        options: Options of the user.
        headers: Positions in the section by the headers.
        grid: Grid of the section.

    Raises:
        UsageError: Positions of the headers lie outside of the section.
    """
    notes = list(headers.notes) if not (options.source_x and options.receiver_x) else []
    changes: dict[str, Any] = {}
    for what, x in zip(SIDES, (headers.sources[:, 0], headers.receivers[..., 0]), strict=True):
        if given := getattr(options, f"{what}_x"):
            notes += _note_difference(fixed_positions(given, what), x, what, grid)
            continue
        _check_width(x, what, grid)
        moving = what == "receiver" and headers.moving
        changes[f"{what}_x"] = _rows(x) if moving else tuple(x[0].tolist() if x.ndim > 1 else x.tolist())
    if np.isfinite(headers.sources[:, 1]).all():
        depths, new_notes = _fill_depths(options, headers, grid)
        changes |= depths
        notes += new_notes
    return options.model_copy(update=changes), notes


def _fill_depths(options: AddOptions, headers: SectionPositions, grid: Grid) -> tuple[dict[str, Any], list[str]]:
    """Depths by the headers where the user gives none, and notes."""
    changes: dict[str, Any] = {}
    notes = []
    for what, z in zip(SIDES, (headers.sources[:, 1], headers.receivers[..., 1]), strict=True):
        option = f"{what}_depth"
        if (given := getattr(options, option)) is None:
            given, option = options.depth, option if options.depth is None else "depth"
        if given is not None:
            if (far := _largest_difference(z, np.asarray(given, np.float64))) > grid.spacing / 2:
                name = option.replace("_", "-")
                notes.append(f"--{name} is used; the headers place {what}s up to {far:.4g} m elsewhere")
            continue
        _check_depth(z, what, grid)
        span = f"{z.min():g}" if z.min() == z.max() else f"{z.min():g} to {z.max():g}"
        notes.append(f"depth of {what}s by the headers (bytes 41 to 49): {span} m")
        fixed = z.ndim == 1 or not headers.moving or options.receiver_x
        changes[option] = tuple((z if z.ndim == 1 else z[0]).tolist()) if fixed else _rows(z)
    return changes, notes


def _rows(values: Array64) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in values.tolist())


def _largest_difference(found: Array64, given: Array64) -> float:
    try:
        return float(np.abs(found - given).max())
    except ValueError:
        return 0.0  # another number of positions, which is an error of its own


def _note_difference(given: list[float] | None, found: Array64, what: Side, grid: Grid) -> list[str]:
    far = 0.0 if given is None else _largest_difference(found, np.array(given))
    if far <= grid.spacing / 2:
        return []
    return [f"--{what}-x is used; the headers place {what}s up to {far:.4g} m elsewhere"]


def _check_width(x: Array64, what: Side, grid: Grid) -> None:
    low, high, width = float(x.min()), float(x.max()), (grid.nx - 1) * grid.spacing
    if low < 0 or high > width + grid.spacing / 2:
        raise UsageError(
            f"the headers place {what}s at {low:g} to {high:g} m, the section reaches from 0 to {width:g} m "
            f"({grid.nx} columns at {grid.spacing:g} m)",
            "give the position of the first column with --origin X or X,Y, or the positions with --source-x and "
            "--receiver-x; a wrong scalar (byte 71) makes positions 10 or 100 times too far",
        )


def _check_depth(z: Array64, what: Side, grid: Grid) -> None:
    low, high, bottom = float(z.min()), float(z.max()), (grid.nz - 1) * grid.spacing
    if low < 0 or high > bottom:
        raise UsageError(
            f"the headers place {what}s at depths of {low:g} to {high:g} m (bytes 41 to 49), the section reaches from "
            f"0 to {bottom:g} m",
            "give the elevation of the first row with --top, or the depth of all with --depth",
        )
