"""Electromagnetic data: our meshes and factorisations against one factorisation a source and frequency in SciPy.

The other way has one mesh of 10 m cells, finer than our accuracy asks for, or of 20 m; and SciPy's defaults.
"""

from functools import partial

import numpy as np
import scipy.sparse as sp
from measuring import Benchmark
from scipy.sparse.linalg import splu
from threadpoolctl import threadpool_limits

from fwibench.datasets.kimberlina.reservoir import PROBLEM
from fwibench.datasets.kimberlina.reservoir_geology import draw_section, draw_site
from fwibench.physics.electromagnetic import MU, _discretise, simulate

ROUNDS = 3
CLOSE = 0.05
"""Largest relative L2 of a frequency between 10 or 20 m cells and ours."""


def plain(section: np.ndarray, cell: float, *, shared: bool) -> np.ndarray:
    """Cells of one size for every frequency, `splu` as it comes; `(S, F, R)`.

    Args:
        section: Conductivities `(Z, X)`.
        cell: Size of a cell [m].
        shared: Whether both sources of a frequency are solved with one factorisation.
    """
    mesh = _discretise(PROBLEM, cell)
    cells = (mesh.rows @ section.astype(float) @ mesh.columns.T + mesh.air).ravel()
    back = np.argsort(mesh.order)
    laplacian, area = mesh.laplacian[back][:, back], mesh.area[back]
    fields = []
    for frequency in PROBLEM.survey.frequencies:
        factor = 2j * np.pi * frequency * MU
        matrix = (laplacian - sp.diags_array(factor * cells * area)).tocsc()
        sides = factor * mesh.sources[:, back].toarray().T
        parts = [sides] if shared else np.split(sides, sides.shape[1], axis=1)
        field = np.concatenate([splu(matrix).solve(part) for part in parts], axis=1)
        fields.append((mesh.receivers[:, back] @ field).T)
    return np.stack(fields, 1)


def ours(section: np.ndarray) -> np.ndarray:
    data = simulate(section[None, None].astype(np.float32), PROBLEM)[0]
    return data[:, 0::2] + 1j * data[:, 1::2]


def difference(found: np.ndarray, reference: np.ndarray) -> float:
    """Largest relative L2 of a frequency."""
    apart = np.linalg.norm(found - reference, axis=(0, 2))
    return float((apart / np.linalg.norm(reference, axis=(0, 2))).max())


def main() -> None:
    bounds = PROBLEM.property.low, PROBLEM.property.high
    rng, shape, spacing = np.random.default_rng(0), PROBLEM.grid.shape, PROBLEM.grid.spacing
    section = draw_section(rng, draw_site(rng, shape, spacing), shape, spacing, bounds)
    ways = {
        "ours": partial(ours, section),
        "20 m cells, a factorisation a source and frequency": partial(plain, section, 20.0, shared=False),
        "20 m cells, a factorisation a frequency": partial(plain, section, 20.0, shared=True),
        "10 m cells, a factorisation a frequency": partial(plain, section, 10.0, shared=True),
    }
    with Benchmark("electromagnetic", "A section of kimberlina-reservoir, one thread") as bench, threadpool_limits(1):
        bench.compare("a section", ways, rounds=ROUNDS, difference=difference, at_most=CLOSE)


if __name__ == "__main__":
    main()
