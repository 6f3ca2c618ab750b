"""Kimberlina-Reservoir: electromagnetic monitoring of stored CO2, after section 4.1.1 of the InvLINT paper.

The paper has 780 pairs of field and conductivity, 351 x 601 at 10 m, two sources deep in wells and eight frequencies
from 0.1 to 8 Hz. Here the sections are synthetic, the frequencies evenly spaced on a logarithmic scale, and 61
receivers are at the surface, with air above.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import numpy as np

from fwibench.datasets.kimberlina.reservoir_geology import Site, draw_section, draw_site
from fwibench.datasets.simulated import SimulatedDataset
from fwibench.problem import Amplitude, ElectromagneticPhysics, ElectromagneticSurvey, Grid, Point, Problem, Property
from fwibench.seeds import BASE_SEED, derive_seed
from fwibench.typing import Array32

SIZES = {"smoke": (8, 2, 2), "quick": (140, 12, 20), "paper": (780, 30, 30)}
"""Number of samples in all, in val and in test; the 750 of the paper for training include validation."""

# fmt: off
LARGEST = (
    1.1e-7, 0.75e-7,  # 0.1 Hz
    1.5e-7, 0.6e-7,  # 0.187 Hz
    1.9e-7, 0.6e-7,  # 0.35 Hz
    1.8e-7, 1.1e-7,  # 0.654 Hz
    0.9e-7, 1.6e-7,  # 1.22 Hz
    0.7e-7, 1.2e-7,  # 2.29 Hz
    0.65e-7, 0.25e-7,  # 4.28 Hz
    0.09e-7, 0.22e-7,  # 8 Hz
)
# fmt: on
"""Amplitudes of real and imaginary part of each frequency that are scaled to 1 [V/m]: largest of 40 samples, rounded
up."""

PROBLEM = Problem(
    grid=Grid(nz=351, nx=601, spacing=10.0),
    survey=ElectromagneticSurvey(
        sources=(Point(x=2500.0, z=3025.0), Point(x=4500.0, z=2500.0)),
        receivers=tuple(Point(x=100.0 * i, z=0.0) for i in range(61)),
        frequencies=(0.1, 0.187, 0.35, 0.654, 1.22, 2.29, 4.28, 8.0),
    ),
    physics=ElectromagneticPhysics(fine_cell=20.0, coarse_cell=40.0, coarse_up_to=1.5, padding=30_000.0, air=True),
    property=Property(name="conductivity", unit="S/m", low=0.01, high=0.6),
    amplitude=Amplitude(low=-1.0, high=1.0, rows=LARGEST),
)


@lru_cache(maxsize=1)
def _site() -> Site:
    rng = np.random.default_rng(derive_seed("kimberlina-reservoir", BASE_SEED, "site"))
    return draw_site(rng, PROBLEM.grid.shape, PROBLEM.grid.spacing)


class KimberlinaReservoir(SimulatedDataset):
    """780 conductivity sections of 351 x 601 at 10 m, split 720/30/30 at random; 108/12/20 in profile quick."""

    problem = PROBLEM
    sizes = SIZES
    shard_rows = 20

    def maps(self, numbers: range) -> Iterable[Array32]:
        """Return independent realisations of the site."""
        bounds = PROBLEM.property.low, PROBLEM.property.high
        for i in numbers:
            rng = np.random.default_rng(derive_seed(self.spec.name, BASE_SEED, i))
            yield draw_section(rng, _site(), PROBLEM.grid.shape, PROBLEM.grid.spacing, bounds).astype(np.float32)[None]
