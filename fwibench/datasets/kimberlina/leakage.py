"""Kimberlina-leakage: CO2 that leaks from a storage site, decade by decade, after section 4.1.1 of the InvLINT paper.

The maps of the paper are from flow simulations of NRAP (Jordan and Wagoner, 2017), 20 maps for each leakage scenario.
These are synthetic: one site, and other leaks in each scenario; see `leakage_geology`. A scenario is in one split only.

The paper has maps of 401 x 141 without naming the axes. Here 401 is depth, in the order it prints them. Its 101
receivers 15 m apart span 1500 m and do not fit a lateral axis of 1400 m, so they are 14 m apart over the whole axis, at
the depth of the first row below the surface, which the paper does not state. Nine sources are 175 m apart at 5 m depth.
Positions between nodes are interpolated. In a record of one second nothing returns from below about 1.3 km: a method
can only infer that part from other maps. The simulation leaves out cells that no wave reaches.

Original files (`path`, Kimberlina-CO2 of OpenFWI) hold 401 x 141 with x first: 4 km long, 1.4 km deep. They are read as
141 x 401, depth first, with sources and receivers spread over the 4 km, 500 and 40 m apart.

Order 6 is as exact as order 8 at 10 Hz and takes three quarters of its time; an inversion may use order 4.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cached_property, lru_cache

import numpy as np

from fwibench.datasets.kimberlina.leakage_geology import Leak, Site, draw_leak, leaking_site, storage_site
from fwibench.datasets.simulated import SimulatedDataset
from fwibench.datasets.splits import random_split
from fwibench.errors import DataError
from fwibench.problem import AcousticPhysics, Amplitude, Grid, Point, Problem, Property, Ricker, SeismicSurvey
from fwibench.seeds import BASE_SEED, derive_seed
from fwibench.typing import Array32, Indices

DECADES = 20
GROUP = 7
"""Number of scenarios that are stored together, decade by decade."""
ORDER = tuple(decade for k in reversed(range(DECADES // 2)) for decade in (k, k + DECADES // 2))
"""Decades in the order in which they are stored, so that a few samples include small and large plumes."""
SCENARIOS = {"smoke": (7, 1, 1), "quick": (35, 4, 8), "paper": (973, 80, 166)}
"""Scenarios in all, in val and in test. The 807 of the paper for training include validation; 80 of them are val
here."""
STORED = {"smoke": 2, "quick": DECADES, "paper": DECADES}
"""Number of decades that are stored of each scenario, by profile."""

PROBLEM = Problem(
    grid=Grid(nz=401, nx=141, spacing=10.0),
    survey=SeismicSurvey(
        sources=tuple(Point(x=175.0 * i, z=5.0) for i in range(9)),
        receivers=tuple(Point(x=14.0 * i, z=10.0) for i in range(101)),
        nt=1251,
        dt=1 / 1250,
        wavelet=Ricker(frequency=10.0, delay=137 / 1250),
    ),
    physics=AcousticPhysics(accuracy=6, pml_width=10, pml_freq=10.0, max_velocity=4500.0),
    property=Property(name="velocity", unit="m/s", low=1500.0, high=4500.0),
    amplitude=Amplitude(low=-25.0, high=45.0),
)


ORIGINAL_PROBLEM = PROBLEM.model_copy(
    update={
        "grid": Grid(nz=141, nx=401, spacing=10.0),
        "survey": PROBLEM.survey.model_copy(
            update={
                "sources": tuple(Point(x=500.0 * i, z=5.0) for i in range(9)),
                "receivers": tuple(Point(x=40.0 * i, z=10.0) for i in range(101)),
            }
        ),
    }
)


def scenario_and_decade(number: int) -> tuple[int, int]:
    """Return scenario and decade of a sample."""
    group, rest = divmod(number, GROUP * DECADES)
    index, member = divmod(rest, GROUP)
    return group * GROUP + member, ORDER[index]


class KimberlinaLeakage(SimulatedDataset):
    """Velocity maps of 401 x 141 at 10 m, 20 decades of each scenario."""

    shard_rows = 2 * GROUP

    original_axes = "xz"
    original_names = ("label*", "*")

    @property
    def problem(self) -> Problem:
        """Problem of the synthetic maps, or of the original files."""
        return PROBLEM if self.source == "synthetic" else ORIGINAL_PROBLEM

    @property
    def size(self) -> int:
        """Number of maps in this profile."""
        return len(self._scenarios)

    def indices(self, scheme: str) -> dict[str, Indices]:
        """Return a random split of scenarios: all maps of one are in the same split."""
        known = np.unique(self._scenarios)
        n, n_val, n_test = SCENARIOS[self.profile]
        if len(known) < 3:
            raise DataError(f"{len(known)} scenarios found, expected 3 or more: one each for train, val and test")
        held_out = [max(part * len(known) // n, 1) for part in (n_val, n_test)]
        parts = random_split(len(known), held_out[0], held_out[1], self.spec.name)
        return {name: np.flatnonzero(np.isin(self._scenarios, known[chosen])) for name, chosen in parts.items()}

    def groups(self, scheme: str, numbers: Indices) -> tuple[str, ...]:
        """Return the scenario of each sample: its maps are decades of one leak."""
        return tuple(f"scenario-{scenario}" for scenario in self._scenarios[numbers])

    @cached_property
    def _scenarios(self) -> Indices:
        """Scenario of each map; of original files by names such as `label_sim0001_t10.npz`, or 20 maps in a row."""
        n, stored = SCENARIOS[self.profile][0], STORED[self.profile]
        if self.originals is None:
            return np.array([scenario_and_decade(i)[0] for i in range(n * stored)])
        files = self.originals.files
        numbers = [re.search(r"sim(\d+)", path.name) for path in files]
        if any(numbers) and not all(numbers):
            first = next(path for path, number in zip(files, numbers, strict=True) if not number)
            raise DataError(
                f"{first} has no scenario in its name, {sum(map(bool, numbers))} of {len(files)} files have one",
                "names are label_sim0001_t10.npz; rename or remove the others, so that no scenario is in two splits",
            )
        if len(files) == len(self.originals) and all(numbers):
            scenarios = np.array([int(number[1]) for number in numbers if number])
        else:
            scenarios = np.arange(len(self.originals)) // DECADES
        return scenarios[: n * stored]

    def maps(self, numbers: range) -> Iterable[Array32]:
        """Return the map of each sample number."""
        return [leakage_map(*scenario_and_decade(i)) for i in numbers]


@lru_cache(maxsize=1)
def _site() -> Site:
    rng = np.random.default_rng(derive_seed("kimberlina-leakage", BASE_SEED, "site"))
    return storage_site(rng, PROBLEM.grid.shape, PROBLEM.grid.spacing)


def _leak(scenario: int) -> Leak:
    return draw_leak(np.random.default_rng(derive_seed("kimberlina-leakage", BASE_SEED, "scenario", scenario)))


def leakage_map(scenario: int, decade: int) -> Array32:
    """Return the map of a scenario after some decades, `(1, Z, X)` [m/s]; at 0 nothing has leaked."""
    velocity = leaking_site(_site(), _leak(scenario), 10.0 * decade)
    return velocity.clip(PROBLEM.property.low, PROBLEM.property.high)[None].astype(np.float32)
