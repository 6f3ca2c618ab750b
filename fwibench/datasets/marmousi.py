"""Marmousi: 30,000 low-resolution maps in the manner of the Marmousi model, after section 4.1.1 of the InvLINT paper.

The paper's maps carry Marmousi's style onto other pictures by a network (Feng et al., 2021). These are windows of
drawn basins, each of its own, with Marmousi's folds, growth faults and thin layers. Five sources 170 m apart span
680 m; they stand on the nodes 0, 170, 340, 510, 680 m of a 690 m axis.

One time sample of 1 ms is one inner step, as in OpenFWI's data: 4700 m/s needs a Courant number of 0.665, which
is stable at order 8 (up to 0.78). The data are computed at order 8, because order 4 is off by a fifth at 1500 m/s.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from fwibench.datasets.geology.folded import folded_section
from fwibench.datasets.simulated import SimulatedDataset
from fwibench.datasets.splits import Indices, random_split
from fwibench.problem import AcousticPhysics, Amplitude, Grid, Point, Problem, Property, Ricker, SeismicSurvey
from fwibench.seeds import BASE_SEED, derive_seed

SIZES = {"smoke": (20, 3, 3), "quick": (1000, 100, 100), "paper": (30_000, 3_000, 3_000)}

PROBLEM = Problem(
    grid=Grid(nz=70, nx=70, spacing=10.0),
    survey=SeismicSurvey(
        sources=tuple(Point(x=170.0 * i, z=10.0) for i in range(5)),
        receivers=tuple(Point(x=10.0 * i, z=10.0) for i in range(70)),
        nt=1000,
        dt=1e-3,
        wavelet=Ricker(frequency=20.0, delay=0.055),
    ),
    physics=AcousticPhysics(accuracy=8, pml_width=10, pml_freq=20.0, max_velocity=4700.0, courant_number=0.67),
    property=Property(name="velocity", unit="m/s", low=1500.0, high=4700.0),
    amplitude=Amplitude(low=-25.0, high=50.0),
)


class Marmousi(SimulatedDataset):
    """Velocity maps of 70 x 70 at 10 m, each independent of all others."""

    shard_rows = 50

    @property
    def problem(self) -> Problem:
        """See the module's head."""
        return PROBLEM

    @property
    def size(self) -> int:
        """Maps in this profile."""
        return SIZES[self.profile][0]

    def indices(self, scheme: str) -> dict[str, Indices]:
        """`random`: 24,000/3,000/3,000 as in the paper, 800/100/100 in `quick`."""
        return random_split(*SIZES[self.profile], self.spec.name)

    def maps(self, numbers: range) -> Iterable[NDArray[np.float32]]:
        """One section for each number."""
        return [marmousi_map(i) for i in numbers]


def marmousi_map(number: int) -> NDArray[np.float32]:
    """Map of one sample, `(1, Z, X)` [m/s]."""
    rng = np.random.default_rng(derive_seed("marmousi", BASE_SEED, number))
    bounds = PROBLEM.property.low, PROBLEM.property.high
    return folded_section(rng, PROBLEM.grid.shape, PROBLEM.grid.spacing, bounds)[None].astype(np.float32)
