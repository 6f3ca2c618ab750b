"""Marmousi: 30,000 low-resolution maps in the style of the Marmousi model, after section 4.1.1 of the InvLINT paper.

The maps of the paper are style transfers of the Marmousi model to natural images (Feng et al., 2021). These are
windows of random basins, one for each map, with folds, growth faults and thin layers as in Marmousi. Five sources
170 m apart span 680 m; they are at 0, 170, 340, 510 and 680 m of a 690 m axis.

One time sample of 1 ms is one inner step, as in the data of OpenFWI: 4700 m/s needs a Courant number of 0.665, which
is stable at order 8 (up to 0.78). The data are computed at order 8: order 4 has an error of 20 % at 1500 m/s.

With `path` the maps are original ones: crops of one large model, such as Marmousi2 at 10 m, or maps of 70 x 70.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from fwibench.datasets.marmousi.crops import Crops, crop_indices, split_of
from fwibench.datasets.marmousi.geology import folded_section
from fwibench.datasets.readers import ExpectedMaps, read_maps
from fwibench.datasets.simulated import Originals, SimulatedDataset
from fwibench.problem import AcousticPhysics, Amplitude, Grid, Point, Problem, Property, Ricker, SeismicSurvey
from fwibench.seeds import BASE_SEED, derive_seed
from fwibench.typing import Array32, Indices

SIZES = {"smoke": (20, 3, 3), "quick": (1000, 100, 100), "paper": (30_000, 3_000, 3_000)}
"""Number of samples in all, in val and in test; `paper` has the 24,000/3,000/3,000 of the paper."""

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
"""Size of Marmousi2 at 10 m, for raw files, which have no header."""


class Marmousi(SimulatedDataset):
    """Independent velocity maps of 70 x 70 at 10 m."""

    problem = PROBLEM
    sizes = SIZES
    shard_rows = 50
    original_caveats = (
        "crops of one large model overlap; train, val and test come from columns of their own",
        "one inner time step of 1 ms, as OpenFWI's: 3 % off the Green's function at 1500 m/s, 1.5 % at 3000",
    )

    def indices(self, scheme: str) -> dict[str, Indices]:
        """Return a random split; crops of one model are split by columns."""
        return crop_indices(self.size) if isinstance(self.originals, Crops) else super().indices(scheme)

    def groups(self, scheme: str, numbers: Indices) -> tuple[str, ...]:
        """Return one group for the crops of a split, which overlap; independent maps are groups of their own."""
        if not isinstance(self.originals, Crops):
            return super().groups(scheme, numbers)
        return tuple(f"columns-of-{split_of(number)}" for number in numbers)

    def open_originals(self, path: Path) -> Originals:
        """Crop a file with one large model; other files hold maps of the size of the problem."""
        if path.is_dir():
            return super().open_originals(path)
        large = (LARGE,) if path.suffix == ".bin" else ()
        maps = read_maps(path, ExpectedMaps(shapes=large, axes=self.axes))
        if len(maps) > 1:
            return super().open_originals(path)
        grid, bounds = self.problem.grid, self.problem.property
        return Crops(maps[0][0], grid.shape, bounds, SIZES[self.profile][0], "marmousi", maps)

    def maps(self, numbers: range) -> Iterable[Array32]:
        """Return one section for each number."""
        return [marmousi_map(i) for i in numbers]


def marmousi_map(number: int) -> Array32:
    """Return the map of a sample, `(1, Z, X)` [m/s]."""
    rng = np.random.default_rng(derive_seed("marmousi", BASE_SEED, number))
    bounds = PROBLEM.property.low, PROBLEM.property.high
    return folded_section(rng, PROBLEM.grid.shape, PROBLEM.grid.spacing, bounds)[None].astype(np.float32)
