"""Places of sources and receivers that the user did not say, from trace headers.

Invariant: what the user says holds, and where headers say otherwise by more than half a spacing, that is told.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from fwibench.datasets.user.number_lists import read_places
from fwibench.datasets.user.options import Places, SurveyOptions
from fwibench.datasets.user.projection import LinePlaces
from fwibench.errors import UsageError
from fwibench.problem import Grid
from fwibench.typing import Array64

Said = TypeVar("Said", bound=SurveyOptions)


def count(given: Places, what: str) -> int | None:
    """Return the number of places that the user says, of a shot where receivers move; None if nothing is said.

    Args:
        given: What the user says.
        what: `source` or `receiver`.
    """
    if not given:
        return None
    if isinstance(given, str):
        return len(read_places(given, what))
    return len(given[0]) if isinstance(given[0], tuple) else len(given)


def fixed(given: Places, what: str) -> list[float] | None:
    """Return the places that the user says [m]; None if nothing is said, or places for every shot.

    Args:
        given: What the user says.
        what: `source` or `receiver`.
    """
    if not given:
        return None
    if isinstance(given, str):
        return read_places(given, what)
    return None if isinstance(given[0], tuple) else [float(one) for one in given if not isinstance(one, tuple)]


def fill(said: Said, headers: LinePlaces, grid: Grid) -> tuple[Said, list[str]]:
    """Fill in places and depths that the user does not say.

    Args:
        said: What the user says.
        headers: Places in the section by the headers.
        grid: The section.

    Returns:
        The same with places, and notes.

    Raises:
        UsageError: Places of the headers lie outside of the section.
    """
    notes = list(headers.notes) if not (said.source_x and said.receiver_x) else []
    sources, receivers = headers.sources[:, 0], headers.receivers[..., 0]
    changes: dict[str, Any] = {}
    for what, given, found in (("source", said.source_x, sources), ("receiver", said.receiver_x, receivers)):
        if given:
            notes += _contradictions(fixed(given, what), found, what, grid)
            continue
        _check_width(found, what, grid)
        moving = what == "receiver" and headers.moving
        changes[f"{what}_x"] = (
            _rows(found) if moving else tuple(found[0].tolist() if found.ndim > 1 else found.tolist())
        )
    depths = headers.sources[:, 1], headers.receivers[..., 1]
    if not np.isfinite(depths[0]).all():
        return replace(said, **changes), notes
    for what, z in zip(("source", "receiver"), depths, strict=True):
        option = f"{what}_depth"
        if (stated := getattr(said, option)) is None:
            stated, option = said.depth, option if said.depth is None else "depth"
        if stated is not None:
            far = _farthest(z, np.asarray(stated, np.float64))
            if far > grid.spacing / 2:
                text = f"--{option.replace('_', '-')} is used; the headers place {what}s up to {far:.4g} m elsewhere"
                notes.append(text)
            continue
        _check_depth(z, what, grid)
        span = f"{z.min():g}" if z.min() == z.max() else f"{z.min():g} to {z.max():g}"
        notes.append(f"depth of {what}s by the headers (bytes 41 to 49): {span} m")
        flat = z.ndim == 1 or not headers.moving or said.receiver_x
        changes[option] = tuple((z if z.ndim == 1 else z[0]).tolist()) if flat else _rows(z)
    return replace(said, **changes), notes


def _rows(values: Array64) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in values.tolist())


def _farthest(found: Array64, stated: Array64) -> float:
    try:
        return float(np.abs(found - stated).max())
    except ValueError:
        return 0.0  # another number of places, which is an error of its own


def _contradictions(stated: list[float] | None, found: Array64, what: str, grid: Grid) -> list[str]:
    far = 0.0 if stated is None else _farthest(found, np.array(stated))
    if far <= grid.spacing / 2:
        return []
    return [f"--{what}-x is used; the headers place {what}s up to {far:.4g} m elsewhere"]


def _check_width(x: Array64, what: str, grid: Grid) -> None:
    low, high, width = float(x.min()), float(x.max()), (grid.nx - 1) * grid.spacing
    if low < 0 or high > width + grid.spacing / 2:
        raise UsageError(
            f"the headers place {what}s at {low:g} to {high:g} m, the section reaches from 0 to {width:g} m "
            f"({grid.nx} columns at {grid.spacing:g} m)",
            "say where the first column lies with --origin X or X,Y, or the places with --source-x and --receiver-x; "
            "a wrong scalar (byte 71) makes places 10 or 100 times too far",
        )


def _check_depth(z: Array64, what: str, grid: Grid) -> None:
    low, high, bottom = float(z.min()), float(z.max()), (grid.nz - 1) * grid.spacing
    if low < 0 or high > bottom:
        raise UsageError(
            f"the headers place {what}s at depths of {low:g} to {high:g} m (bytes 41 to 49), the section reaches from "
            f"0 to {bottom:g} m",
            "say the elevation of the first row with --top, or the depth of all with --depth",
        )
