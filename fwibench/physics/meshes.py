"""Tensor meshes around a section: cells of equal size inside, growing cells outside.

Invariant: a mesh is given by the edges of its cells along each axis [m]; the section begins at 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fwibench.typing import Array64, Indices

if TYPE_CHECKING:
    import scipy.sparse as sp


GROWTH = 1.4
"""Ratio of the sizes of neighbouring cells in the padding."""


def cell_edges(length: float, cell: float, padding: float) -> Array64:
    """Return the edges of cells that cover [0, length] and of growing cells on both sides, `(cells + 1,)` [m].

    Args:
        length: Length of the section [m].
        cell: Size of the inner cells [m]; the last one may extend beyond the section.
        padding: Smallest distance from the section to the ends of the mesh [m].
    """
    grown = [0.0]
    while grown[-1] < padding:
        grown.append(grown[-1] + cell * GROWTH ** len(grown))
    inside = cell * np.arange(np.ceil(length / cell - 1e-9) + 1)
    return np.concatenate([-np.array(grown[:0:-1]), inside, inside[-1] + np.array(grown[1:])])


def centres(edges: Array64) -> Array64:
    """Return the centres of cells `(cells,)` from their edges `(cells + 1,)`."""
    return (edges[1:] + edges[:-1]) / 2


def overlaps(edges: Array64, nodes: int, spacing: float) -> Array64:
    """Return the share of each cell that belongs to each node, `(cells, nodes)`; rows sum to 1.

    Positions belong to the nearest node.

    Args:
        edges: Edges of the cells [m].
        nodes: Number of nodes; the first one lies at 0.
        spacing: Distance of neighbouring nodes [m].
    """
    limits = spacing * (np.arange(nodes + 1) - 0.5)
    limits[0], limits[-1] = -np.inf, np.inf
    upper = np.minimum(edges[1:, None], limits[None, 1:])
    lower = np.maximum(edges[:-1, None], limits[None, :-1])
    return np.clip(upper - lower, 0, None) / np.diff(edges)[:, None]


def nested_dissection(cells: Indices) -> list[int]:
    """Return an elimination order of the unknowns of a mesh with little fill-in (George, 1973).

    A line of cells divides the mesh; both halves come first, ordered recursively, then the line.

    Args:
        cells: Numbers of the cells of a rectangle `(rows, columns)`.
    """
    if min(cells.shape) < 3:
        return [int(cell) for cell in cells.ravel()]
    if cells.shape[0] < cells.shape[1]:
        cells = cells.T
    middle = len(cells) // 2
    halves = nested_dissection(cells[:middle]) + nested_dissection(cells[middle + 1 :])
    return halves + [int(cell) for cell in cells[middle]]


def interpolation(depth: Array64, along: Array64, places: list[tuple[float, float]]) -> sp.csr_array:
    """Return bilinear weights of the cell centres at positions inside the mesh, `(positions, cells)`.

    Args:
        depth: Edges of the rows of cells [m].
        along: Edges of the columns of cells [m].
        places: Positions (z, x) [m].
    """
    from scipy.sparse import coo_array

    z, x = (centres(edges) for edges in (depth, along))
    index, weight = [], []
    for axis, at in zip((z, x), np.transpose(places), strict=True):
        before = np.searchsorted(axis, at, side="right") - 1
        share = (at - axis[before]) / (axis[before + 1] - axis[before])
        index.append(np.stack([before, before + 1], 1))
        weight.append(np.stack([1 - share, share], 1))
    cells = (index[0][:, :, None] * len(x) + index[1][:, None, :]).reshape(-1)
    weights = (weight[0][:, :, None] * weight[1][:, None, :]).reshape(-1)
    rows = np.repeat(np.arange(len(places)), 4)
    return coo_array((weights, (rows, cells)), shape=(len(places), len(z) * len(x))).tocsr()
