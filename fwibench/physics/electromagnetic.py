"""Conductivity to electric field: line sources in two dimensions, frequency by frequency, by a direct solver.

Invariant: a section's data depend on that section and the problem alone; mesh and padding come from the problem.

With the time factor exp(+i w t), the field E along the strike obeys div grad E - i w mu sigma E = i w mu I
for line currents I. It is discretised by finite volumes, unknowns at cell centres, on a tensor mesh whose
cells stretch outside the section. E is parallel to every boundary of conductivity, so E and its normal
derivative are continuous and a cell's conductivity is the arithmetic mean over the cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.linalg import splu
from threadpoolctl import threadpool_limits

from fwibench.errors import ProblemError
from fwibench.physics.meshes import cell_edges, centres, interpolation, nested_dissection, overlaps
from fwibench.problem import ElectromagneticPhysics, ElectromagneticSurvey, Problem
from fwibench.typing import Array32, Array64, Indices

MU = 4e-7 * np.pi
"""Permeability [H/m], that of free space everywhere."""
AIR = 1e-8
"""Conductivity of air [S/m]."""
SYMMETRIC = {"permc_spec": "NATURAL", "diag_pivot_thresh": 0.0, "options": {"SymmetricMode": True}}
"""SuperLU on a symmetric matrix with a strong diagonal that is ordered already: no pivoting."""


def simulate(conductivity: Array32, problem: Problem) -> Array32:
    """Electric field at every receiver for every source and frequency.

    Sources and receivers are interpolated bilinearly between cell centres. One factorisation serves all
    sources of a frequency.

    Args:
        conductivity: [S/m], `(n, 1, Z, X)`.
        problem: Electromagnetic problem on the same grid.

    Returns:
        E [V/m] for a current of 1 A, `(n, S, 2 F, R)`: real and imaginary part of each frequency in turn.

    Raises:
        ProblemError: The problem is not electromagnetic, the shape is not the problem's, or a conductivity
            is not a positive number.
    """
    survey, physics = problem.survey, problem.physics
    if not isinstance(survey, ElectromagneticSurvey) or not isinstance(physics, ElectromagneticPhysics):
        raise ProblemError(
            f"the problem has a survey of kind '{survey.kind}' and no electromagnetic physics to simulate with"
        )
    problem.check_properties(conductivity.shape)
    if not (np.isfinite(conductivity) & (conductivity > 0)).all():
        raise ProblemError("conductivities must be finite and above 0 S/m", "clip the model to the property's bounds")
    out = np.empty((len(conductivity), *problem.measurement_shape), np.float32)
    # SuperLU calls BLAS for tiny blocks; a second thread there makes it tens of times slower
    with threadpool_limits(1, "blas"):
        for sample, section in enumerate(conductivity[:, 0].astype(np.float64)):
            for number, frequency in enumerate(survey.frequencies):
                cell = physics.coarse_cell if frequency <= physics.coarse_up_to else physics.fine_cell
                field = _discretise(problem, cell).solve(section, frequency)
                out[sample, :, 2 * number] = field.real
                out[sample, :, 2 * number + 1] = field.imag
    return out


@dataclass(frozen=True)
class Discretisation:
    """What does not depend on conductivity or frequency, for C cells in the order of their elimination.

    Attributes:
        order: Number of each cell, counted row by row, `(C,)`.
        laplacian: div grad, integrated over each cell, zero field at the outer edges; `(C, C)`, symmetric.
        area: Area of each cell [m^2], `(C,)`.
        rows: Mean over the section's rows that a row of cells meets, `(cells, Z)`; zero in the air.
        columns: The same for columns, `(cells, X)`.
        air: Conductivity that each row of cells has besides [S/m], `(cells, 1)`.
        sources: Share of each source in each cell, `(S, C)`.
        receivers: Weight of each cell at each receiver, `(R, C)`.
    """

    order: Indices
    laplacian: sp.csc_array
    area: Array64
    rows: Array64
    columns: Array64
    air: Array64
    sources: sp.csr_array
    receivers: sp.csr_array

    def solve(self, section: Array64, frequency: float) -> NDArray[np.complex128]:
        """Field at the receivers for a current of 1 A in each source.

        Args:
            section: Conductivity [S/m], `(Z, X)`.
            frequency: [Hz].

        Returns:
            E [V/m], `(S, R)`.
        """
        factor = 2j * np.pi * frequency * MU
        cells = (self.rows @ section @ self.columns.T + self.air).ravel()[self.order]
        matrix = self.laplacian - sp.diags_array(factor * cells * self.area, format="csc")
        field = splu(matrix, **SYMMETRIC).solve(factor * self.sources.toarray().T)
        return (self.receivers @ field).T


@lru_cache(maxsize=8)
def _discretise(problem: Problem, cell: float) -> Discretisation:
    """Mesh of a problem in cells of one size [m]."""
    grid, survey, physics = problem.grid, problem.survey, problem.physics
    if not isinstance(physics, ElectromagneticPhysics):
        raise TypeError(f"expected electromagnetic physics, got {physics}")
    depth = cell_edges((grid.nz - 1) * grid.spacing, cell, physics.padding)
    along = cell_edges((grid.nx - 1) * grid.spacing, cell, physics.padding)
    height, width = np.diff(depth), np.diff(along)
    rows = overlaps(depth, grid.nz, grid.spacing)
    in_air = (centres(depth)[:, None] < 0) & physics.air
    across, down = _second_difference(along), _second_difference(depth)
    laplacian = sp.csc_array(sp.kron(sp.diags_array(height), across) + sp.kron(down, sp.diags_array(width)))
    order = np.array(nested_dissection(np.arange(height.size * width.size).reshape(height.size, width.size)))
    sources, receivers = (
        interpolation(depth, along, [(place.z, place.x) for place in places])[:, order]
        for places in (survey.sources, survey.receivers)
    )
    return Discretisation(
        order=order,
        laplacian=laplacian[order][:, order],
        area=np.outer(height, width).ravel()[order],
        rows=np.where(in_air, 0.0, rows),
        columns=overlaps(along, grid.nx, grid.spacing),
        air=np.where(in_air, AIR, 0.0),
        sources=sources,
        receivers=receivers,
    )


def _second_difference(edges: Array64) -> sp.dia_array:
    """Differences of the fluxes through a cell's two edges, `(cells, cells)`; the field is zero at the ends."""
    middle = centres(edges)
    conductance = 1.0 / np.diff(np.concatenate([edges[:1], middle, edges[-1:]]))
    inner = conductance[1:-1]
    return sp.diags_array([inner, -conductance[:-1] - conductance[1:], inner], offsets=[-1, 0, 1])
