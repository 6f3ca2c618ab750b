"""Electromagnetic data: our meshes and order of elimination against one 10 m mesh and SciPy's defaults."""

import time

import numpy as np
import scipy.sparse as sp
from scipy.sparse.linalg import splu
from threadpoolctl import threadpool_limits

from fwibench.datasets.kimberlina.reservoir import PROBLEM
from fwibench.datasets.kimberlina.reservoir_geology import draw_section, draw_site
from fwibench.physics.electromagnetic import MU, _discretise, simulate


def plain(section: np.ndarray) -> np.ndarray:
    """Cells of 10 m for every frequency, `splu` as it comes; `(S, F, R)`."""
    mesh = _discretise(PROBLEM, 10.0)
    cells = (mesh.rows @ section.astype(float) @ mesh.columns.T + mesh.air).ravel()
    back = np.argsort(mesh.order)
    laplacian, area = mesh.laplacian[back][:, back], mesh.area[back]
    fields = []
    for frequency in PROBLEM.survey.frequencies:
        factor = 2j * np.pi * frequency * MU
        matrix = (laplacian - sp.diags_array(factor * cells * area)).tocsc()
        field = splu(matrix).solve(factor * mesh.sources[:, back].toarray().T)
        fields.append((mesh.receivers[:, back] @ field).T)
    return np.stack(fields, 1)


def main() -> None:
    bounds = PROBLEM.property.low, PROBLEM.property.high
    rng, shape, spacing = np.random.default_rng(0), PROBLEM.grid.shape, PROBLEM.grid.spacing
    section = draw_section(rng, draw_site(rng, shape, spacing), shape, spacing, bounds)
    with threadpool_limits(1, "blas"):
        simulate(section[None, None].astype(np.float32), PROBLEM)
        times, fields = [], []
        for solve in (lambda: simulate(section[None, None].astype(np.float32), PROBLEM)[0], lambda: plain(section)):
            start = time.process_time()
            fields.append(solve())
            times.append(time.process_time() - start)
    ours, reference = fields[0][:, 0::2] + 1j * fields[0][:, 1::2], fields[1]
    difference = np.linalg.norm(ours - reference, axis=(0, 2)) / np.linalg.norm(reference, axis=(0, 2))
    print(f"ours {times[0]:.2f} s, 10 m with SciPy's defaults {times[1]:.2f} s a section (processor time)")
    print(f"ratio: {times[1] / times[0]:.1f}")
    print("difference of each frequency:", " ".join(f"{one:.4f}" for one in difference))


if __name__ == "__main__":
    main()
