"""Salt: consecutive slices of synthetic 3-D volumes, after section 4.1.1 of the InvLINT paper.

The paper uses 140 maps of Yang and Ma (2019), slices of the SEG/EAGE salt model resampled to 40 x 60. These are slices
of two synthetic volumes in that style. Five sources 150 m apart would span 600 m on a 590 m axis, so they are on the
nodes nearest to an even spacing: 0, 150, 300, 440 and 590 m.
The data are computed at order 8, so that an inversion at order 4 does not invert its own stencil.

The option `volume=realistic` has the share of salt and the deviation of SEG/EAGE slices; the default has larger bodies
and is that of the published results.

With `path` the maps are original ones: Yang and Ma publish `svmodel1.mat` and so on, each with one map of
201 x 301 named `svmodel`. They are averaged to 40 x 60 and, as in the paper, assigned a spacing of 10 m.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

import numpy as np

from fwibench.datasets.salt.geology import LARGE, REALISTIC, salt_volume
from fwibench.datasets.simulated import SimulatedDataset
from fwibench.datasets.splits import block_split, first_of_run
from fwibench.problem import AcousticPhysics, Amplitude, Grid, Point, Problem, Property, Ricker, SeismicSurvey
from fwibench.seeds import BASE_SEED, derive_seed
from fwibench.typing import Array32, Array64, Indices

VOLUME_SLICES = 70
SIZES = {"smoke": (20, 3, 3), "quick": (140, 10, 10), "paper": (140, 10, 10)}

PROBLEM = Problem(
    grid=Grid(nz=40, nx=60, spacing=10.0),
    survey=SeismicSurvey(
        sources=tuple(Point(x=x, z=10.0) for x in (0.0, 150.0, 300.0, 440.0, 590.0)),
        receivers=tuple(Point(x=10.0 * i, z=10.0) for i in range(60)),
        nt=600,
        dt=1 / 600,
        wavelet=Ricker(frequency=12.0, delay=55 / 600),
    ),
    physics=AcousticPhysics(accuracy=8, pml_width=10, pml_freq=12.0, max_velocity=4500.0),
    property=Property(name="velocity", unit="m/s", low=1500.0, high=4500.0),
    amplitude=Amplitude(low=-25.0, high=50.0),
)


@lru_cache(maxsize=4)
def _volume(number: int, volume: str = "large") -> Array64:
    large = volume == "large"
    rng = np.random.default_rng(derive_seed("salt" if large else f"salt-{volume}", BASE_SEED, number))
    bounds = PROBLEM.property.low, PROBLEM.property.high
    return salt_volume(rng, (VOLUME_SLICES, *PROBLEM.grid.shape), bounds, LARGE if large else REALISTIC)


class Salt(SimulatedDataset):
    """140 velocity maps of 40 x 60 at 10 m, split 120/10/10 at random or in blocks."""

    problem = PROBLEM
    sizes = SIZES
    shard_rows = 20
    original_shapes = ((201, 301),)
    original_names = ("svmodel*", "*")
    original_spacing = 10.0
    original_caveats = (
        "neighbouring slices of one volume are nearly the same picture: read the nearest training map's error, and use "
        "the split `block`",
        "measurements are simulated at order 8; an inversion at order 8 on the same grid would be an inverse crime",
    )

    def indices(self, scheme: str) -> dict[str, Indices]:
        """Return `random` as in the paper, or `block`, which holds out runs with a gap of a 28th of the slices."""
        if scheme != "block":
            return super().indices(scheme)
        n, n_val, n_test = self.counts()
        return block_split(n, n_val, n_test, gap=max(n // 28, 1))

    def groups(self, scheme: str, numbers: Indices) -> tuple[str, ...]:
        """Return the run of neighbouring slices that each sample of the split `block` belongs to.

        Under `random` every slice is a group of its own: its nearest neighbours are in train rather than in test.
        """
        if scheme != "block":
            return super().groups(scheme, numbers)
        members = np.sort(np.concatenate(list(self.indices(scheme).values())))
        return tuple(f"slices-from-{first}" for first in first_of_run(members, numbers))

    def maps(self, numbers: range) -> Iterable[Array32]:
        """Return slices of the volumes, in order."""
        volume: str = getattr(self.options, "volume", "large")
        return [_volume(i // VOLUME_SLICES, volume)[None, i % VOLUME_SLICES].astype(np.float32) for i in numbers]
