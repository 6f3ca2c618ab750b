"""Positions of the shots of a SEG-Y file in map coordinates.

Invariant: positions are those of the headers, or there are none; receivers without positions of their own get those of
the source and the offset, and a note says so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fwibench.datasets.readers.segy_headers import Headers
from fwibench.typing import Array64, Indices


@dataclass(frozen=True)
class MapPositions:
    """Positions of the shots of a file, in map coordinates.

    Attributes:
        sources: X, Y and elevation of each source [m], `(shots, 3)`.
        receivers: The same of the receivers of each shot, `(shots, R, 3)`.
        has_heights: Whether elevations or depths are filled in.
    """

    sources: Array64
    receivers: Array64
    has_heights: bool

    def of_shots(self, rows: slice) -> MapPositions:
        """Return the positions of some of the shots."""
        return MapPositions(self.sources[rows], self.receivers[rows], self.has_heights)


def find_positions(headers: Headers, order: Indices) -> tuple[MapPositions | None, list[str]]:
    """Find the positions of the shots.

    Args:
        headers: Headers of all traces.
        order: Numbers of the traces of each shot, `(shots, R)`.

    Returns:
        The positions, None where those of sources or receivers are not filled in; and notes.
    """
    source, group = headers.source[order], headers.group[order]
    notes = []
    if not source.any() and not group.any():
        return None, []
    if not _differ(group) and source.any() and _differ(headers.offset[order][..., None]):
        group = source + np.stack([headers.offset[order], np.zeros(order.shape)], axis=-1)
        notes.append("positions of receivers are those of the sources and the offset (byte 37), along X")
    if order.shape[1] > 1 and not _differ(group):
        return None, ["positions in the headers are not used: receivers have none of their own (bytes 81, 85)"]
    if not _sources_are_there(source, group):
        return None, ["positions in the headers are not used: sources have none (bytes 73, 77 are 0)"]
    if (moved := float(np.abs(source - source[:, :1]).max())) > 0:
        notes.append(
            f"the position of the source changes within a shot, by up to {moved:g} m; that of its first trace is used"
        )
    heights = headers.source_height[order], headers.group_height[order]
    there = bool(heights[0].any() or heights[1].any())
    sources = np.concatenate([source[:, 0], heights[0][:, :1]], axis=-1)
    return MapPositions(sources, np.concatenate([group, heights[1][..., None]], axis=-1), there), notes


def _differ(values: Array64) -> bool:
    return bool((values != values[:, :1]).any())


def _sources_are_there(source: Array64, group: Array64) -> bool:
    """Whether sources at zero are plausible: one shot whose receivers are no farther away than their spread."""
    if source.any():
        return True
    spread = float(np.ptp(group.reshape(-1, 2), axis=0).max())
    return len(source) == 1 and float(np.abs(group).min(axis=(0, 1)).max()) <= spread


def sort_receivers(positions: MapPositions) -> Indices | None:
    """Return the order of the receivers of each shot along the line, `(shots, R)`; None if shots have one order."""
    receivers = positions.receivers
    x = receivers[..., 0] if np.ptp(receivers[..., 0]) else receivers[..., 1]
    steps = np.diff(x, axis=1)
    if x.shape[1] < 2 or (steps >= 0).all() or (steps <= 0).all():
        return None
    if (receivers == receivers[:1]).all():
        return None
    found: Indices = np.argsort(x, axis=1, kind="stable")
    return found
