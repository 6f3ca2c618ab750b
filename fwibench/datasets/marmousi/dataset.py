"""Marmousi: 30,000 low-resolution maps in the manner of the Marmousi model, after section 4.1.1 of the InvLINT paper.

The paper's maps carry Marmousi's style onto other pictures by a network (Feng et al., 2021). These are windows of
drawn basins, each of its own, with Marmousi's folds, growth faults and thin layers. Five sources 170 m apart span
680 m; they stand on the nodes 0, 170, 340, 510, 680 m of a 690 m axis.

One time sample of 1 ms is one inner step, as in OpenFWI's data: 4700 m/s needs a Courant number of 0.665, which
is stable at order 8 (up to 0.78). The data are computed at order 8, because order 4 is off by a fifth at 1500 m/s.

With `path` the maps are a user's own: crops of one large model, such as Marmousi2 at 10 m, or maps of 70 x 70.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from fwibench.datasets.marmousi.crops import Crops, crop_indices
from fwibench.datasets.marmousi.geology import folded_section
from fwibench.datasets.readers import ExpectedMaps, read_maps
from fwibench.datasets.simulated import Originals, SimulatedDataset
from fwibench.problem import AcousticPhysics, Amplitude, Grid, Point, Problem, Property, Ricker, SeismicSurvey
from fwibench.seeds import BASE_SEED, derive_seed
from fwibench.typing import Array32, Indices

SIZES = {"smoke": (20, 3, 3), "quick": (1000, 100, 100), "paper": (30_000, 3_000, 3_000)}
"""Samples in all, in val and in test: the paper's 24,000/3,000/3,000."""

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


LARGE = (351, 1701)
"""Marmousi2 at 10 m, for raw files, which do not say their size."""


class Marmousi(SimulatedDataset):
    """Velocity maps of 70 x 70 at 10 m, each independent of all others."""

    problem = PROBLEM
    sizes = SIZES
    shard_rows = 50
    original_caveats = (
        "crops of one large model overlap; train, val and test come from columns of their own",
        "one inner time step of 1 ms, as OpenFWI's: 3 % off the Green's function at 1500 m/s, 1.5 % at 3000",
    )

    def indices(self, scheme: str) -> dict[str, Indices]:
        """`random`; crops of one model come from columns of their own."""
        return crop_indices(self.size) if isinstance(self.originals, Crops) else super().indices(scheme)

    def open_originals(self, path: Path) -> Originals:
        """A file with one large model is cut into crops; anything else holds maps of the problem's size."""
        if path.is_dir():
            return super().open_originals(path)
        large = (LARGE,) if path.suffix == ".bin" else ()
        maps = read_maps(path, ExpectedMaps(shapes=large, axes=self.axes))
        if len(maps) > 1:
            return super().open_originals(path)
        model = maps[0][0]
        return Crops(
            model,
            self.problem.grid.shape,
            self.problem.property,
            SIZES[self.profile][0],
            "marmousi",
            maps.files,
            maps.doubts,
        )

    def maps(self, numbers: range) -> Iterable[Array32]:
        """One section for each number."""
        return [marmousi_map(i) for i in numbers]


def marmousi_map(number: int) -> Array32:
    """Map of one sample, `(1, Z, X)` [m/s]."""
    rng = np.random.default_rng(derive_seed("marmousi", BASE_SEED, number))
    bounds = PROBLEM.property.low, PROBLEM.property.high
    return folded_section(rng, PROBLEM.grid.shape, PROBLEM.grid.spacing, bounds)[None].astype(np.float32)
