"""Positions of sources and receivers on the simulated grid, and the extent of that grid.

Invariant: a placement is a function of the problem. Where every position is a node and waves can return from the whole
grid, it consists of the grid and the nodes of the problem.

Positions between nodes are distributed over windows of eight nodes by a Kaiser-windowed sinc (Hicks, Geophysics 2002),
normalised to sum 1. deepwave offers the same without normalisation: its amplitudes are low by up to 0.8 %, and it
computes the windows in every call, which takes as long as the simulation of a large survey.

A free surface lies one cell above row 0, and the field is odd about it. The part of a window above it is folded back
with the opposite sign.
"""

from __future__ import annotations

import itertools
import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from fwibench.errors import ProblemError
from fwibench.problem import AcousticPhysics, Point, Problem, SeismicSurvey
from fwibench.typing import Array32, Array64, Indices

HALF_WIDTH = 4
"""Half the number of nodes of a window."""
KAISER = 6.31
"""Shape parameter of the Kaiser window for a half width of 4 (Hicks, 2002)."""
STENCIL = 5
"""Rows kept below the deepest row within reach, for the widest stencil."""


class Placement(NamedTuple):
    """Nodes and weights of sources and receivers; a node is (row, column) of the simulated grid.

    Attributes:
        rows: Number of rows of the problem's grid that are simulated, from the top.
        frame: Number of nodes added on the left, right, top and bottom, by repeating the edge, to hold the windows.
        source_nodes: `(S, K, 2)`.
        source_weights: `(S, K)`.
        receiver_nodes: `(P, 2)`, each node once; `(S, P, 2)` where the receivers move with the source.
        receiver_weights: `(R, P)` or `(S, R, P)`; None where every receiver is a node.
    """

    rows: int
    frame: tuple[int, int, int, int]
    source_nodes: Indices
    source_weights: Array32
    receiver_nodes: Indices
    receiver_weights: Array32 | None


@lru_cache(maxsize=16)
def place(problem: Problem) -> Placement:
    """Return the placement of a survey on its grid.

    Raises:
        ProblemError: A source or receiver lies outside the grid, or the survey is not seismic.
    """
    survey = problem.survey
    if not isinstance(survey, SeismicSurvey):
        raise ProblemError(f"the problem has a survey of kind '{survey.kind}', expected 'seismic'")
    rows, grid = reached_rows(problem), problem.grid
    sources, source_weights = _windows(survey.sources, problem)
    groups = [_windows(places, problem) for places in survey.shot_receivers or (survey.receivers,)]
    every = np.concatenate([nodes.reshape(-1, 2) for nodes in (sources, *(nodes for nodes, _ in groups))])
    (top, left), (low, right) = every.min(0).clip(max=0), every.max(0).clip(min=(rows - 1, grid.nx - 1))
    frame = (-int(left), int(right) - grid.nx + 1, -int(top), int(low) - rows + 1)
    corner = np.array([top, left])
    recorded, weights = _recorded(groups)
    if not survey.shot_receivers:
        recorded, weights = recorded[0], None if weights is None else weights[0]
    return Placement(rows, frame, sources - corner, source_weights, recorded - corner, weights)


def reached_rows(problem: Problem) -> int:
    """Return the number of rows that a wave can reach and return from within the record, at the highest velocity.

    Deeper rows cannot change the data and are not simulated. A wave reflected by a free surface has travelled longer
    and reaches no deeper.
    """
    grid, survey, physics = problem.grid, problem.survey, problem.physics
    if not isinstance(survey, SeismicSurvey) or not isinstance(physics, AcousticPhysics):
        return grid.nz
    path = physics.max_velocity * survey.nt * survey.dt
    receivers = itertools.chain(survey.receivers, *survey.shot_receivers)
    lowest = [max(point.z for point in points) for points in (survey.sources, receivers)]
    return min(grid.nz, math.ceil((path + sum(lowest)) / 2 / grid.spacing) + STENCIL)


def _recorded(groups: list[tuple[Indices, Array32]]) -> tuple[Indices, Array32 | None]:
    """Return the nodes to record in each shot, and the weights that form receivers from them.

    Args:
        groups: Window nodes `(R, K, 2)` and weights `(R, K)` of the receivers of each shot.

    Returns:
        Nodes `(S, P, 2)`, each once per shot, and weights `(S, R, P)`; None where every receiver is a different node.
        Shots that need fewer nodes also record nodes of other shots, with weight 0.
    """
    unique = [np.unique(nodes.reshape(-1, 2), axis=0, return_inverse=True) for nodes, _ in groups]
    pairs = zip(unique, groups, strict=True)
    if all(places.shape[1] == 1 and len(nodes) == len(places) for (nodes, _), (places, _) in pairs):
        return np.stack([nodes[:, 0] for nodes, _ in groups]), None
    most = max(len(nodes) for nodes, _ in unique)
    matrices = np.zeros((len(groups), len(groups[0][0]), most), np.float32)
    for matrix, (_, which), (nodes, weights) in zip(matrices, unique, groups, strict=True):
        np.put_along_axis(matrix, which.reshape(len(nodes), -1), weights, axis=1)
    every = np.unique(np.concatenate([nodes for nodes, _ in unique]), axis=0)
    return np.stack([_filled(nodes, every, most) for nodes, _ in unique]), matrices


def _filled(nodes: Indices, every: Indices, count: int) -> Indices:
    """Return `count` different nodes: the given ones, then others of `every`."""
    others = every[~(every[:, None] == nodes).all(2).any(1)] if len(nodes) < count else nodes[:0]
    return np.concatenate([nodes, others[: count - len(nodes)]])


def _windows(points: tuple[Point, ...], problem: Problem) -> tuple[Indices, Array32]:
    """Return nodes `(n, K, 2)` and weights `(n, K)` of each position; K is 1 where all positions are nodes."""
    grid = problem.grid
    places = np.array([[point.z, point.x] for point in points]) / grid.spacing
    if (places < -1e-6).any() or (places > np.array(grid.shape) - 1 + 1e-6).any():
        raise ProblemError(
            f"a source or receiver lies outside the grid of {grid.nz} x {grid.nx} nodes, {grid.spacing:g} m apart",
            "move it into the grid: node (row, column) lies at depth row * spacing, x = column * spacing",
        )
    (rows, of_rows), (columns, of_columns) = _window(places[:, 0]), _window(places[:, 1])
    if isinstance(problem.physics, AcousticPhysics) and problem.physics.free_surface:
        rows, of_rows = _fold(rows, of_rows)
    shape = (len(points), rows.shape[1], columns.shape[1])
    nodes = np.stack([np.broadcast_to(rows[:, :, None], shape), np.broadcast_to(columns[:, None, :], shape)], axis=-1)
    weights = of_rows[:, :, None] * of_columns[:, None, :]
    return nodes.reshape(len(points), -1, 2), weights.reshape(len(points), -1).astype(np.float32)


def _window(places: Array64) -> tuple[Indices, Array64]:
    """Return nodes and weights along one axis, both `(n, K)`, of positions `(n,)` in cells."""
    nearest = np.rint(places)
    if np.allclose(places, nearest, atol=1e-6, rtol=0):
        return nearest.astype(np.int64)[:, None], np.ones((len(places), 1))
    nodes = np.floor(places)[:, None] + np.arange(1 - HALF_WIDTH, 1 + HALF_WIDTH)
    distance = nodes - places[:, None]
    weights = np.sinc(distance) * np.i0(KAISER * np.sqrt(np.clip(1 - (distance / HALF_WIDTH) ** 2, 0, None)))
    return nodes.astype(np.int64), weights / weights.sum(1, keepdims=True)


def _fold(nodes: Indices, weights: Array64) -> tuple[Indices, Array64]:
    """Fold windows `(n, K)` along depth at a free surface on row -1, where field(-1 - k) = -field(-1 + k)."""
    folded, kept = nodes.copy(), weights.copy()
    for i in np.flatnonzero(nodes[:, 0] < 0):
        folded[i], kept[i] = np.arange(nodes.shape[1]), 0.0
        for row, weight in zip(nodes[i], weights[i], strict=True):
            if row != -1:
                kept[i, row if row >= 0 else -2 - row] += weight if row >= 0 else -weight
    return folded, kept
