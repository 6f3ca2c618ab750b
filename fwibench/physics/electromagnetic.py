"""Simulation of the electric field from conductivity: line sources in two dimensions, by a direct sparse solver.

Invariant: the data of a section depend on that section and the problem alone; mesh and padding are set by the problem.

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
from scipy.sparse.linalg import SuperLU, splu
from threadpoolctl import threadpool_limits

from fwibench.errors import ProblemError
from fwibench.physics.meshes import cell_edges, centres, interpolation, nested_dissection, overlaps
from fwibench.problem import ElectromagneticPhysics, ElectromagneticSurvey, Problem
from fwibench.typing import Array32, Array64, Indices

MU = 4e-7 * np.pi
"""Permeability of free space [H/m], assumed everywhere."""
AIR = 1e-8
"""Conductivity of air [S/m]."""
SYMMETRIC = {"permc_spec": "NATURAL", "diag_pivot_thresh": 0.0, "options": {"SymmetricMode": True}}
"""Options of SuperLU for a symmetric matrix with a dominant diagonal that is already ordered: no pivoting."""


def simulate(conductivity: Array32, problem: Problem) -> Array32:
    """Simulate the electric field at every receiver for every source and frequency.

    Sources and receivers are interpolated bilinearly between cell centres. One factorisation per frequency serves all
    sources.

    Args:
        conductivity: Conductivity `(n, 1, Z, X)` [S/m].
        problem: Electromagnetic problem on the same grid.

    Returns:
        Electric field for a current of 1 A `(n, S, 2 F, R)` [V/m]: real and imaginary part of each frequency in turn.

    Raises:
        ProblemError: The problem is not electromagnetic, the shape differs from that of the problem, or a conductivity
            is not a positive number.
    """
    meshes = _meshes(problem)
    _check(conductivity, problem)
    out = np.empty((len(conductivity), *problem.measurement_shape), np.float32)
    # SuperLU calls BLAS for tiny blocks, where a second thread makes it tens of times slower
    with threadpool_limits(1, "blas"):
        for sample, section in enumerate(conductivity[:, 0].astype(np.float64)):
            for number, (frequency, mesh) in enumerate(meshes):
                field = mesh.solve(section, frequency)
                out[sample, :, 2 * number] = field.real
                out[sample, :, 2 * number + 1] = field.imag
    return out


class Linearisation:
    """Simulates sections, with the derivatives of their data in given directions.

    Args:
        directions: Changes of the section `(K, Z, X)` [S/m].
        problem: Electromagnetic problem on the same grid.

    Raises:
        ProblemError: The problem is not electromagnetic.
    """

    def __init__(self, directions: Array32, problem: Problem) -> None:
        self._problem = problem
        self._meshes = _meshes(problem)
        self._changes: dict[int, Array32] = {}
        for _, mesh in self._meshes:
            # frequencies share meshes
            if id(mesh) not in self._changes:
                self._changes[id(mesh)] = np.stack([mesh.cells(one).astype(np.float32) for one in directions])

    def at(self, conductivity: Array32, weights: Array32) -> tuple[Array64, Array32]:
        """Simulate a section; BLAS must have one thread as in `simulate`, by a limit of the caller for all its threads.

        Args:
            conductivity: Conductivity `(1, Z, X)` [S/m].
            weights: Factor of the directions at each node `(1, Z, X)`, such as 0 where the conductivity is clipped. A
                cell has the mean factor and the mean direction of its nodes.

        Returns:
            Electric field as of `simulate` `(S, 2 F, R)` [V/m], and its derivatives with respect to the coefficients
            of the directions `(S, 2 F, R, K)` [V/m].

        Raises:
            ProblemError: See `simulate`.
        """
        _check(conductivity[None], self._problem)
        fields, derivatives = [], []
        section = conductivity[0].astype(np.float64)
        for frequency, mesh in self._meshes:
            field, change = mesh.linearise(section, frequency, self._changes[id(mesh)], mesh.cells(weights[0]))
            fields += [field.real, field.imag]
            derivatives.append(change)
        return np.stack(fields, axis=1), np.concatenate(derivatives, axis=1)


@dataclass(frozen=True)
class Discretisation:
    """The matrices that do not depend on conductivity or frequency, for C cells in the order of their elimination.

    Attributes:
        order: Number of each cell in row-major order `(C,)`.
        laplacian: div grad integrated over each cell, with zero field at the outer edges; `(C, C)`, symmetric.
        area: Area of each cell `(C,)` [m^2].
        rows: Weights of the section's rows in each row of cells `(cells, Z)`; zero in the air.
        columns: Weights of the section's columns in each column of cells `(cells, X)`.
        air: Conductivity that is added to each row of cells `(cells, 1)` [S/m].
        sources: Share of each source in each cell `(S, C)`.
        receivers: Weight of each cell at each receiver `(R, C)`.
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
        """Return the electric field at the receivers for a current of 1 A in each source.

        Args:
            section: Conductivity `(Z, X)` [S/m].
            frequency: Frequency [Hz].

        Returns:
            Complex electric field `(S, R)` [V/m].
        """
        field = self._factorise(section, frequency).solve(_factor(frequency) * self.sources.toarray().T)
        return (self.receivers @ field).T

    def linearise(
        self, section: Array64, frequency: float, changes: Array32, weights: Array64
    ) -> tuple[NDArray[np.complex128], Array32]:
        """Return the electric field at the receivers, and its derivatives in some directions.

        A change of conductivity adds its product with the field of a source to the right-hand side. As the matrix is
        symmetric, the field that this causes at a receiver is its product with the field of a source at the receiver.

        Args:
            section: Conductivity `(Z, X)` [S/m].
            frequency: Frequency [Hz].
            changes: Directions on the mesh `(K, C)` [S/m], see `cells`.
            weights: Factor of the directions in each cell `(C,)`.

        Returns:
            Complex electric field as of `solve` `(S, R)` [V/m], and the derivatives of its real and imaginary part with
            respect to the coefficients of the directions `(S, 2, R, K)` [V/m].
        """
        factored, factor = self._factorise(section, frequency), _factor(frequency)
        field = factored.solve(factor * self.sources.toarray().T)
        adjoint = factored.solve(factor * self.receivers.toarray().T)
        # float32 halves the time of the products, which is most of it for hundreds of directions
        kernels = (adjoint.T * (self.area * weights * field.T)[:, None]).astype(np.complex64)
        derivatives = np.stack([kernels.real @ changes.T, kernels.imag @ changes.T], axis=1)
        return (self.receivers @ field).T, derivatives

    def cells(self, section: Array32) -> Array64:
        """Return the mean of a section `(Z, X)` over each cell, or 0 in the air, in the order of elimination `(C,)`."""
        return np.asarray((self.rows @ section @ self.columns.T).ravel()[self.order])

    def _factorise(self, section: Array64, frequency: float) -> SuperLU:
        """Factorise the matrix of a section `(Z, X)` [S/m] at a frequency [Hz]."""
        cells = (self.rows @ section @ self.columns.T + self.air).ravel()[self.order]
        matrix = self.laplacian - sp.diags_array(_factor(frequency) * cells * self.area, format="csc")
        return splu(matrix, **SYMMETRIC)


def _factor(frequency: float) -> complex:
    """Return i w mu at a frequency [Hz]."""
    return 2j * np.pi * frequency * MU


def _check(conductivity: Array32, problem: Problem) -> None:
    """Raise `ProblemError` unless conductivities `(n, 1, Z, X)` can be simulated."""
    problem.check_properties(conductivity.shape)
    if not (np.isfinite(conductivity) & (conductivity > 0)).all():
        raise ProblemError("conductivities must be finite and above 0 S/m", "clip the model to the property's bounds")


def _meshes(problem: Problem) -> list[tuple[float, Discretisation]]:
    """Return the frequencies of a problem [Hz], each with its mesh; raises `ProblemError` unless it has EM physics."""
    survey, physics = problem.survey, problem.physics
    if not isinstance(survey, ElectromagneticSurvey) or not isinstance(physics, ElectromagneticPhysics):
        raise ProblemError(
            f"the problem has a survey of kind '{survey.kind}' and no electromagnetic physics to simulate with"
        )
    cells = (physics.coarse_cell if one <= physics.coarse_up_to else physics.fine_cell for one in survey.frequencies)
    return [(one, _discretise(problem, cell)) for one, cell in zip(survey.frequencies, cells, strict=True)]


@lru_cache(maxsize=8)
def _discretise(problem: Problem, cell: float) -> Discretisation:
    """Discretise a problem with inner cells of a given size [m]."""
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
    """Return the second difference `(cells, cells)` of a field at cell centres; the field is zero at the ends."""
    middle = centres(edges)
    conductance = 1.0 / np.diff(np.concatenate([edges[:1], middle, edges[-1:]]))
    inner = conductance[1:-1]
    return sp.diags_array([inner, -conductance[:-1] - conductance[1:], inner], offsets=[-1, 0, 1])
