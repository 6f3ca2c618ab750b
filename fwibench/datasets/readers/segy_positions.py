"""Where the shots of a SEG-Y file were recorded, in map coordinates.

Invariant: places are those of the headers, or there are none; receivers without places of their own are placed by their
offset, and that is told.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fwibench.datasets.readers.segy_headers import Headers
from fwibench.typing import Array64, Indices


@dataclass(frozen=True)
class FieldPlaces:
    """Places of the shots of a file, in map coordinates.

    Attributes:
        sources: X, Y and elevation of each source [m], `(shots, 3)`.
        receivers: The same of the receivers of each shot, `(shots, R, 3)`.
        heights: Whether elevations or depths are filled in.
    """

    sources: Array64
    receivers: Array64
    heights: bool


def find_places(headers: Headers, order: Indices) -> tuple[FieldPlaces | None, list[str]]:
    """Find where the shots were recorded.

    Args:
        headers: Of all traces.
        order: Numbers of traces, `(shots, R)`.

    Returns:
        The places, None where sources or receivers are not filled in; and notes.
    """
    source, group = headers.source[order], headers.group[order]
    notes = []
    if not source.any() and not group.any():
        return None, []
    if not _differ(group) and source.any() and _differ(headers.offset[order][..., None]):
        group = source + np.stack([headers.offset[order], np.zeros(order.shape)], axis=-1)
        notes.append("places of receivers are those of the sources and the offset (byte 37), along X")
    if order.shape[1] > 1 and not _differ(group):
        return None, ["places in the headers are not used: receivers have none of their own (bytes 81, 85)"]
    if not _sources_are_there(source, group):
        return None, ["places in the headers are not used: sources have none (bytes 73, 77 are 0)"]
    if (moved := float(np.abs(source - source[:, :1]).max())) > 0:
        notes.append(
            f"the place of the source changes within a shot, by up to {moved:g} m; that of its first trace is used"
        )
    heights = headers.source_height[order], headers.group_height[order]
    there = bool(heights[0].any() or heights[1].any())
    sources = np.concatenate([source[:, 0], heights[0][:, :1]], axis=-1)
    return FieldPlaces(sources, np.concatenate([group, heights[1][..., None]], axis=-1), there), notes


def _differ(places: Array64) -> bool:
    return bool((places != places[:, :1]).any())


def _sources_are_there(source: Array64, group: Array64) -> bool:
    """Whether sources at zero can be meant: one shot whose receivers are no farther away than their spread."""
    if source.any():
        return True
    spread = float(np.ptp(group.reshape(-1, 2), axis=0).max())
    return len(source) == 1 and float(np.abs(group).min(axis=(0, 1)).max()) <= spread


def by_place(places: FieldPlaces) -> Indices | None:
    """Order of the receivers of each shot by place, `(shots, R)`; None where all shots have the same order already."""
    x = places.receivers[..., 0] if np.ptp(places.receivers[..., 0]) else places.receivers[..., 1]
    steps = np.diff(x, axis=1)
    if x.shape[1] < 2 or (steps >= 0).all() or (steps <= 0).all():
        return None
    if (places.receivers == places.receivers[:1]).all():
        return None
    found: Indices = np.argsort(x, axis=1, kind="stable")
    return found
