"""Places of sources and receivers: what the user says, else what headers say, else evenly spread.

Invariant: places lie within the section, and where they come from is in the notes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fwibench.datasets.added.line import Floats, LinePlaces
from fwibench.datasets.added.lists import read_places, spread
from fwibench.errors import UsageError
from fwibench.problem import Grid, Point

Places = tuple[Point, ...]


@dataclass(frozen=True)
class Placed:
    """Where sources and receivers are.

    Attributes:
        sources: `S` places.
        receivers: `R` places, of the first shot if they move.
        shot_receivers: `S` times `R` places where receivers move; else empty.
        known: Whether all come from the user or from headers, none was assumed.
        notes: What was used and assumed.
    """

    sources: Places
    receivers: Places
    shot_receivers: tuple[Places, ...]
    known: bool
    notes: tuple[str, ...]


def place(
    source_x: str,
    receiver_x: str,
    depth: float | None,
    shape: tuple[int, int, int],
    grid: Grid,
    headers: LinePlaces | None = None,
) -> Placed:
    """Decide where sources and receivers are.

    Args:
        source_x: x of the sources as the user wrote it; empty if not given.
        receiver_x: The same for receivers.
        depth: Depth of both as the user says [m]; None if not given.
        shape: `(S, T, R)` of a measurement.
        grid: The section.
        headers: What trace headers say.

    Raises:
        UsageError: Numbers of places do not fit the shape, or places lie outside of the section.
    """
    notes = list(headers.notes) if headers is not None and not (source_x and receiver_x) else []
    sources = _x(source_x, "source", shape, grid, None if headers is None else headers.sources[:, 0])
    moving = headers is not None and headers.moving and not receiver_x
    receivers = [
        _x(receiver_x, "receiver", shape, grid, None if headers is None else headers.receivers[shot, :, 0])
        for shot in range(shape[0] if moving else 1)
    ]
    for what, text, count in (("source", source_x, shape[0]), ("receiver", receiver_x, shape[2])):
        if not text and headers is None:
            notes.append(f"assumed: {count} {what}s, evenly spread over the section")
    if headers is not None:
        notes += _contradictions(source_x, sources, headers.sources[:, 0], "source", grid)
        notes += _contradictions(receiver_x, receivers[0], headers.receivers[:, :, 0], "receiver", grid)
    z = _z(depth, shape, grid, headers, notes)
    found = [
        tuple(Point(x=x, z=z_) for x, z_ in zip(places, depths, strict=True))
        for places, depths in zip(receivers, z[1], strict=False)
    ]
    return Placed(
        tuple(Point(x=x, z=z_) for x, z_ in zip(sources, z[0], strict=True)),
        found[0],
        tuple(found) if moving else (),
        headers is not None or bool(source_x and receiver_x),
        tuple(notes),
    )


def _x(text: str, what: str, shape: tuple[int, int, int], grid: Grid, headers: Floats | None) -> list[float]:
    count = shape[0] if what == "source" else shape[2]
    if text:
        x, whose = read_places(text, what), f"--{what}-x"
    elif headers is not None:
        x, whose = [float(one) for one in headers], f"the place of {what}s in the headers"
    else:
        x, whose = spread(count, 0, (grid.nx - 1) * grid.spacing), ""
    _check(x, what, whose, shape, grid)
    return x


def _check(x: list[float], what: str, whose: str, shape: tuple[int, int, int], grid: Grid) -> None:
    count = shape[0] if what == "source" else shape[2]
    if len(x) != count:
        swapped = "; the axes must be (n, S, T, R): transpose" if len(x) in shape else ""
        raise UsageError(
            f"{whose} gives {len(x)} places, measurements (S, T, R) = {shape} have {count} {what}s",
            f"give a place for each{swapped}",
        )
    width, depth = (grid.nx - 1) * grid.spacing, (grid.nz - 1) * grid.spacing
    if min(x) >= 0 and max(x) <= width + grid.spacing / 2:
        return
    fact = (
        f"{whose} reaches from {min(x):g} to {max(x):g} m, the section from 0 to {width:g} m ({grid.nx} columns at "
        f"{grid.spacing:g} m)"
    )
    if whose.startswith("--"):
        swapped = "; the maps are (n, 1, Z, X), depth first: transpose" if max(x) <= depth else ""
        raise UsageError(fact, f"places count from the first column{swapped}")
    raise UsageError(
        fact,
        "say where the first column lies with --origin X or X,Y, or the places with --source-x and --receiver-x; "
        "places 10 or 100 times too far have a wrong scalar (byte 71)",
    )


def _contradictions(text: str, x: list[float], headers: Floats, what: str, grid: Grid) -> list[str]:
    if not text:
        return []
    far = float(np.abs(headers - np.array(x)).max())
    if far <= grid.spacing / 2:
        return []
    return [f"--{what}-x is used; the headers place {what}s up to {far:.4g} m elsewhere"]


def _z(
    depth: float | None, shape: tuple[int, int, int], grid: Grid, headers: LinePlaces | None, notes: list[str]
) -> tuple[list[float], list[list[float]]]:
    """Depths of the sources, and of the receivers of each shot [m]."""
    sources, _, receivers = shape
    known = headers is not None and bool(np.isfinite(headers.sources[:, 1]).all())
    if headers is None or not known or depth is not None:
        stated = 0.0 if depth is None else depth
        if headers is not None and known:
            both = np.concatenate([headers.sources[:, 1], headers.receivers[..., 1].ravel()])
            if (far := float(np.abs(both - stated).max())) > grid.spacing / 2:
                notes.append(f"--depth is used; the headers place sources or receivers up to {far:.4g} m elsewhere")
        return [stated] * sources, [[stated] * receivers] * sources
    z = headers.sources[:, 1], headers.receivers[..., 1]
    bottom = (grid.nz - 1) * grid.spacing
    low, high = (float(limit(one(z[0]), one(z[1]))) for limit, one in ((min, np.min), (max, np.max)))
    if low < 0 or high > bottom + grid.spacing / 2:
        raise UsageError(
            f"the headers place sources and receivers at depths of {low:g} to {high:g} m (bytes 41 to 49), the section "
            f"reaches from 0 to {bottom:g} m",
            "say the elevation of the first row with --top, or the depth of all with --depth",
        )
    spans = [f"{one.min():g}" if one.min() == one.max() else f"{one.min():g} to {one.max():g}" for one in z]
    notes.append(f"depths by the headers (bytes 41 to 49): sources {spans[0]} m, receivers {spans[1]} m")
    return z[0].tolist(), z[1].tolist()
