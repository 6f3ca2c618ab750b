"""Problems for tests: tiny ones with samples in memory, and problems of any shape without samples.

Invariant: a sample depends on its kind and number alone. Sizes are deliberately irregular: no square, no power of two,
and no two axes of equal length.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from fwibench.problem import (
    AcousticPhysics,
    Amplitude,
    ElectromagneticPhysics,
    ElectromagneticSurvey,
    Grid,
    Point,
    Problem,
    Property,
    Ricker,
    SeismicSurvey,
)
from fwibench.samples import ShardedArray, Split, Transform
from fwibench.seeds import derive_seed
from fwibench.typing import Array32

Kind = Literal["seismic", "em"]

SIZES = {"train": 12, "val": 4, "test": 5}
"""Number of samples of each split of the tiny problems."""
SPACING = 10.0
"""Distance of neighbouring nodes [m]."""
GRID = Grid(nz=20, nx=30, spacing=SPACING)

SEISMIC = Problem(
    grid=GRID,
    survey=SeismicSurvey(
        sources=tuple(Point(x=x, z=10.0) for x in (50.0, 150.0, 250.0)),
        receivers=tuple(Point(x=20.0 * i, z=10.0) for i in range(15)),
        nt=100,
        dt=2e-3,
        wavelet=Ricker(frequency=15.0, delay=0.06),
    ),
    physics=AcousticPhysics(accuracy=8, pml_width=6, pml_freq=15.0, max_velocity=4500.0),
    property=Property(name="velocity", unit="m/s", low=1500.0, high=4500.0),
    amplitude=Amplitude(low=-20.0, high=40.0),
)

EM = Problem(
    grid=GRID,
    survey=ElectromagneticSurvey(
        sources=(Point(x=100.0, z=150.0), Point(x=200.0, z=150.0)),
        receivers=tuple(Point(x=30.0 * i, z=0.0) for i in range(10)),
        frequencies=(10.0, 40.0, 160.0),
    ),
    physics=ElectromagneticPhysics(fine_cell=10.0, coarse_cell=10.0, coarse_up_to=0.0, padding=1000.0, air=True),
    property=Property(name="conductivity", unit="S/m", low=0.01, high=0.6),
    amplitude=Amplitude(low=-1.0, high=1.0, rows=(1e-5, 2e-5, 4e-5, 4e-5, 1e-4, 4e-5)),
)

PROBLEMS: dict[Kind, Problem] = {"seismic": SEISMIC, "em": EM}


class Tiny(NamedTuple):
    """A problem and the splits of its samples."""

    problem: Problem
    train: Split
    val: Split
    test: Split


class ArrayInMemory(ShardedArray):
    """An array in memory with the interface of one on disk; rows are copied when they are read.

    Args:
        array: Samples `(n, ...)`.
        transform: See `ShardedArray`.
    """

    def __init__(self, array: Array32, transform: Transform | None = None) -> None:
        super().__init__((Path(),), (len(array),), array.shape[1:], np.arange(len(array)), transform)
        self._array = array

    def _open(self, number: int) -> Array32:
        return self._array


def in_memory(name: str, measurements: Array32, properties: Array32) -> Split:
    """Return a split of arrays in memory.

    Args:
        name: Name of the split.
        measurements: Measurements `(n, S, T, R)`.
        properties: Property maps `(n, 1, Z, X)`.
    """
    ids = tuple(f"{name}-{i:06d}" for i in range(len(properties)))
    return Split(name, ids, ArrayInMemory(measurements), ArrayInMemory(properties))


def tiny_data(kind: Kind = "seismic") -> Tiny:
    """Return a problem of 20 x 30 nodes with 12, 4 and 5 samples in train, val and test; takes about a second.

    Args:
        kind: `seismic` with measurements of 3 x 100 x 15, or `em` with 2 x 6 x 10.
    """
    measurements, properties = (array.copy() for array in _samples(kind))
    ends = np.cumsum(list(SIZES.values()))
    rows = {name: slice(end - size, end) for (name, size), end in zip(SIZES.items(), ends, strict=True)}
    splits = {name: in_memory(name, measurements[part], properties[part]) for name, part in rows.items()}
    return Tiny(PROBLEMS[kind], **splits)


@cache
def _samples(kind: Kind) -> tuple[Array32, Array32]:
    from fwibench.physics.parallel import simulate_each

    maps = tiny_maps(kind)
    return np.stack(list(simulate_each(list(maps), PROBLEMS[kind]))), maps


def tiny_maps(kind: Kind) -> Array32:
    """Return the maps of all samples `(n, 1, Z, X)` without simulating measurements."""
    problem, count = PROBLEMS[kind], sum(SIZES.values())
    return np.stack([_layers(problem, np.random.default_rng(derive_seed("tiny", kind, i))) for i in range(count)])


def _layers(problem: Problem, rng: np.random.Generator) -> Array32:
    """Return a map `(1, Z, X)` of three layers with inclined interfaces."""
    row, column = np.mgrid[: problem.grid.nz, : problem.grid.nx]
    depth = row + rng.uniform(-0.2, 0.2) * column
    tops = np.sort(rng.uniform(4, 16, 2))
    values = problem.property.low + (problem.property.high - problem.property.low) * np.sort(rng.uniform(0, 1, 3))
    return np.asarray(values[np.searchsorted(tops, depth)][None], np.float32)


def seismic_problem(measurement: tuple[int, int, int], shape: tuple[int, int]) -> Problem:
    """Return a velocity problem with measurements `(S, T, R)` and maps `(Z, X)`, without physics."""
    sources, nt, receivers = measurement
    survey = SeismicSurvey(
        sources=_surface(sources, shape),
        receivers=_surface(receivers, shape),
        nt=nt,
        dt=1e-3,
        wavelet=Ricker(frequency=15.0, delay=0.073),
    )
    velocity = Property(name="velocity", unit="m/s", low=1500.0, high=4500.0)
    return _problem(survey, shape, velocity)


def em_problem(measurement: tuple[int, int, int], shape: tuple[int, int]) -> Problem:
    """Return a conductivity problem with measurements `(S, 2 F, R)` and maps `(Z, X)`, without physics."""
    sources, parts, receivers = measurement
    survey = ElectromagneticSurvey(
        sources=_surface(sources, shape),
        receivers=_surface(receivers, shape),
        frequencies=tuple(0.1 * 2.0**i for i in range(parts // 2)),
    )
    return _problem(survey, shape, Property(name="conductivity", unit="S/m", low=0.0, high=1.0))


def _surface(count: int, shape: tuple[int, int]) -> tuple[Point, ...]:
    """Return equally spaced positions along the top of the section."""
    return tuple(Point(x=shape[1] * SPACING * i / count, z=0.0) for i in range(count))


def _problem(survey: SeismicSurvey | ElectromagneticSurvey, shape: tuple[int, int], sought: Property) -> Problem:
    return Problem(
        grid=Grid(nz=shape[0], nx=shape[1], spacing=SPACING),
        survey=survey,
        physics=None,
        property=sought,
        amplitude=Amplitude(low=-1.0, high=1.0),
    )
