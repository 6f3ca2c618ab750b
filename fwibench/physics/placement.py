"""Where sources and receivers stand on the simulated grid, and how much of the grid is simulated.

Invariant: a placement is a function of the problem alone. Where every place is a node and the grid is
within reach, it is the problem's own grid and nodes.

Places between nodes are spread over windows of eight by a Kaiser-windowed sinc (Hicks, Geophysics 2002),
normalised to sum 1. deepwave offers the same without the norm: its amplitudes are low by up to 0.8 %, and it
builds the windows again at every call, which takes as long as the simulation of a large survey.

A free surface lies one cell above row 0, and the field is odd about it. The part of a window that would reach above
it is folded back with the opposite sign.
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
KAISER = 6.31
"""Hicks's value for a half width of 4."""
STENCIL = 5
"""Nodes kept below the last one within reach, for the widest stencil."""


class Placement(NamedTuple):
    """Nodes are (row, column) of the simulated grid.

    Attributes:
        rows: Rows of the problem's grid that are simulated, from the top.
        frame: Nodes added on the left, right, top and bottom, by repeating the edge, to hold the windows.
        source_nodes: `(S, K, 2)`.
        source_weights: `(S, K)`.
        receiver_nodes: `(P, 2)`, each recorded once; `(S, P, 2)` where the receivers move with the source.
        receiver_weights: `(R, P)` or `(S, R, P)`; None where receivers are the nodes themselves.
    """

    rows: int
    frame: tuple[int, int, int, int]
    source_nodes: Indices
    source_weights: Array32
    receiver_nodes: Indices
    receiver_weights: Array32 | None


@lru_cache(maxsize=16)
def place(problem: Problem) -> Placement:
    """Places the survey on the grid.

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
    """Rows that a wave can visit and be back from within the record, at the highest velocity allowed.

    What lies deeper cannot change the data, so it is not simulated. A wave that a free surface sends down again has
    spent more time, so it reaches no deeper.
    """
    grid, survey, physics = problem.grid, problem.survey, problem.physics
    if not isinstance(survey, SeismicSurvey) or not isinstance(physics, AcousticPhysics):
        return grid.nz
    path = physics.max_velocity * survey.nt * survey.dt
    receivers = itertools.chain(survey.receivers, *survey.shot_receivers)
    lowest = [max(point.z for point in points) for points in (survey.sources, receivers)]
    return min(grid.nz, math.ceil((path + sum(lowest)) / 2 / grid.spacing) + STENCIL)


def _recorded(groups: list[tuple[Indices, Array32]]) -> tuple[Indices, Array32 | None]:
    """Nodes to record in each shot, and how receivers are made of them.

    Args:
        groups: Windows `(R, K, 2)` and weights `(R, K)` of each shot's receivers.

    Returns:
        Nodes `(S, P, 2)`, each once in a shot, and weights `(S, R, P)`; None where every receiver is a node of its own.
        Shots that need fewer nodes than others record some of theirs as well, with weight 0.
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
    """`count` different nodes: the given ones, then others of `every`."""
    others = every[~(every[:, None] == nodes).all(2).any(1)] if len(nodes) < count else nodes[:0]
    return np.concatenate([nodes, others[: count - len(nodes)]])


def _windows(points: tuple[Point, ...], problem: Problem) -> tuple[Indices, Array32]:
    """Nodes `(n, K, 2)` and weights `(n, K)` of each place; K is 1 where all places are nodes."""
    grid = problem.grid
    places = np.array([[point.z, point.x] for point in points]) / grid.spacing
    if (places < -1e-6).any() or (places > np.array(grid.shape) - 1 + 1e-6).any():
        raise ProblemError(
            f"a source or receiver lies outside the grid of {grid.nz} x {grid.nx} nodes, {grid.spacing:g} m apart",
            "move it into the grid; node (row, column) lies at depth row * spacing, x = column * spacing",
        )
    (rows, of_rows), (columns, of_columns) = _window(places[:, 0]), _window(places[:, 1])
    if isinstance(problem.physics, AcousticPhysics) and problem.physics.free_surface:
        rows, of_rows = _fold(rows, of_rows)
    shape = (len(points), rows.shape[1], columns.shape[1])
    nodes = np.stack([np.broadcast_to(rows[:, :, None], shape), np.broadcast_to(columns[:, None, :], shape)], axis=-1)
    weights = of_rows[:, :, None] * of_columns[:, None, :]
    return nodes.reshape(len(points), -1, 2), weights.reshape(len(points), -1).astype(np.float32)


def _window(places: Array64) -> tuple[Indices, Array64]:
    """Nodes and weights along one axis, both `(n, K)`."""
    nearest = np.rint(places)
    if np.allclose(places, nearest, atol=1e-6, rtol=0):
        return nearest.astype(np.int64)[:, None], np.ones((len(places), 1))
    nodes = np.floor(places)[:, None] + np.arange(1 - HALF_WIDTH, 1 + HALF_WIDTH)
    distance = nodes - places[:, None]
    weights = np.sinc(distance) * np.i0(KAISER * np.sqrt(np.clip(1 - (distance / HALF_WIDTH) ** 2, 0, None)))
    return nodes.astype(np.int64), weights / weights.sum(1, keepdims=True)


def _fold(nodes: Indices, weights: Array64) -> tuple[Indices, Array64]:
    """Windows along depth `(n, K)` below a free surface on row -1: the field at row -1 - k is minus that at -1 + k."""
    folded, kept = nodes.copy(), weights.copy()
    for i in np.flatnonzero(nodes[:, 0] < 0):
        folded[i], kept[i] = np.arange(nodes.shape[1]), 0.0
        for row, weight in zip(nodes[i], weights[i], strict=True):
            if row != -1:
                kept[i, row if row >= 0 else -2 - row] += weight if row >= 0 else -weight
    return folded, kept
