"""Search for the physics, depths, delay and amplitude scale that explain the records of a dataset.

Invariant: the result depends on the files and the problem only, never on the clock; the work is bounded by the size of
the simulations.

The search is a coordinate search: one value is varied at a time, and the best one is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from fwibench.datasets.user.problem_changes import (
    SAME_DELAY,
    has_common_depths,
    inner_steps,
    option_texts,
    shorten_number,
    with_delay,
    with_depths,
    with_physics,
)
from fwibench.datasets.user.trials import Trial, Trials
from fwibench.problem import Problem, acoustic_physics
from fwibench.samples import ShardedArray

SEARCH_WORK = 6e9
"""Most cells times steps of a search, about 20 s on one core at 3e8 a second; `FEWEST_TRIALS` are always made."""
FEWEST_TRIALS = 4
CLEARLY = 0.97
"""A value is replaced if the residual falls below this share of the former one, so that noise decides nothing."""
GOOD = 1e-3
"""Residual at which the search ends: another processor or absorbing layer makes as much."""
UNEXPLAINED = 1e-2
"""Residual above which depths are varied as well."""
ROWS, BEST_DEPTHS = 6, 3
"""Rows from the top that are tried as depths on one shot, and number of the best pairs that are tried on all shots."""
ORDERS, WIDTHS, COURANT = (4, 8, 6, 2), (20, 10), (None, 0.67)
"""Values of the scheme that are tried: order, absorbing cells, Courant number (None: deepwave's 0.6)."""
MUCH_BETTER = 0.7
"""Options are offered if the residual falls below this share of that without them."""
EXPLAINED = 0.05
"""Residual at which records count as explained: another order makes 2 %, a wavelet one sample late 10 %."""
SAME_SCALE = 5e-3
"""Largest relative difference of an amplitude scale from 1 that is not offered as an option."""


@dataclass(frozen=True)
class Offer:
    """Options that explain the records better.

    Attributes:
        options: Text of the options for the command line.
        residual: Relative L2 residual of the simulated samples with them.
        problem: Problem with them.
    """

    options: str
    residual: float
    problem: Problem


@dataclass(frozen=True)
class SearchResult:
    """Result of a search.

    Attributes:
        stated: The user's problem, with the best values of the scheme where none were given.
        offers: Options that explain the records better; empty where none do.
        samples: Number of samples that were simulated.
        cut_short: Whether the search ended before all values were tried, since simulations are large.
    """

    stated: Problem
    offers: tuple[Offer, ...]
    samples: int
    cut_short: bool


@dataclass(frozen=True)
class Axis:
    """A value of a problem and the alternatives to try.

    Attributes:
        name: Name of the value.
        alternatives: Returns problems that differ from a given one in this value.
    """

    name: str
    alternatives: Callable[[Problem], list[Problem]]


class Search:
    """A search on some samples of a dataset.

    Args:
        problem: Problem as the user states it; values of the scheme that are not given have their defaults.
        measurements: All samples `(n, S, T, R)`.
        properties: All samples `(n, 1, Z, X)`.
        given: Names of the physics' values that the user gives; these are varied for offers only.
    """

    def __init__(
        self, problem: Problem, measurements: ShardedArray, properties: ShardedArray, given: Iterable[str]
    ) -> None:
        self._problem, self._given = problem, frozenset(given)
        self._trials = Trials(problem, measurements, properties)
        self._most = max(int(SEARCH_WORK / self._trials.work), FEWEST_TRIALS)
        self._cut_short = False

    def run(self) -> SearchResult:
        """Vary the values that are not given, then all values for better explanations."""
        stated, trial = self._sweep(self._problem, [axis for axis in scheme_axes() if axis.name not in self._given])
        found = stated
        if trial.shape > GOOD and (trial.shape > UNEXPLAINED or self._given):
            # first sources and receivers on the same row, then on any two rows
            for pairs in (_equal_rows, _any_rows):
                if self._trials.run(found).shape > UNEXPLAINED:
                    found = self._vary_depths(found, pairs)
                found, _ = self._sweep(self._correct_delay(found), scheme_axes())
        offers: list[Offer] = []
        for problem in dict.fromkeys((stated, found)):
            fitted = self._fit_delay_and_scale(self._simplify(problem))
            options = option_texts(self._problem, fitted)
            residual = self._trials.run(fitted).residual
            best = offers[-1].residual if offers else trial.residual
            if options and residual < MUCH_BETTER * best:
                # the shorter list of options is worth offering only if it is enough
                offers = [one for one in offers if one.residual <= EXPLAINED]
                offers.append(Offer(options, residual, fitted))
        return SearchResult(stated, tuple(offers), self._trials.samples, self._cut_short)

    def _vary_depths(self, problem: Problem, pairs: Callable[[int], list[tuple[int, int]]]) -> Problem:
        """The problem with sources and receivers at the best depths.

        One shot of one sample chooses a few pairs of depths, since a change of one depth alone may make it worse.
        """
        if not has_common_depths(problem):
            return problem
        spacing, rows = problem.grid.spacing, min(ROWS, problem.grid.nz)
        candidates = [with_depths(problem, a * spacing, b * spacing) for a, b in pairs(rows)]
        best = sorted(candidates, key=lambda one: self._trials.run_roughly(one).shape)[:BEST_DEPTHS]
        return self._sweep(problem, [Axis("depth", lambda now: best)], rounds=1)[0]

    def _correct_delay(self, problem: Problem) -> Problem:
        """The problem with its best delay: a shifted record lacks its end, which limits how well shapes agree."""
        trial = self._trials.run(problem)
        if abs(trial.delay) <= SAME_DELAY or trial.shape > 0.5:
            return problem
        moved = with_delay(problem, trial.delay)
        return problem if moved is None or self._trials.run(moved).shape > trial.shape else moved

    def _simplify(self, problem: Problem) -> Problem:
        """The problem with values of the scheme as stated where they hardly matter."""
        stated = acoustic_physics(self._problem)
        for axis in scheme_axes():
            simpler = with_physics(problem, **{axis.name: getattr(stated, axis.name)})
            limit = max(1.2 * self._trials.run(problem).shape, 2 * GOOD)
            if simpler != problem and self._trials.run(simpler).shape <= limit:
                problem = simpler
        return problem

    def _sweep(self, problem: Problem, axes: Sequence[Axis], rounds: int = 3) -> tuple[Problem, Trial]:
        """Best problem along one axis after the other, until a whole round changes nothing."""
        best = self._trials.run(problem)
        for _ in range(rounds):
            before = problem
            for axis in axes:
                for candidate in axis.alternatives(problem):
                    if best.shape <= GOOD:
                        return problem, best
                    if candidate not in self._trials and len(self._trials) >= self._most:
                        self._cut_short = True
                        return problem, best
                    trial = self._trials.run(candidate)
                    if trial.shape < CLEARLY * best.shape:
                        problem, best = candidate, trial
            if problem == before:
                break
        return problem, best

    def _fit_delay_and_scale(self, problem: Problem) -> Problem:
        """The problem with the best delay and amplitude scale."""
        for _ in range(2):  # the second time on a simulation that is nearly right
            trial = self._trials.run(problem)
            if abs(trial.delay) > SAME_DELAY and (moved := with_delay(problem, trial.delay)) is not None:
                problem = moved
            trial = self._trials.run(problem)
            if abs(trial.scale - 1) > SAME_SCALE and trial.scale:
                scale = shorten_number(acoustic_physics(problem).source_scale * trial.scale)
                problem = with_physics(problem, source_scale=scale)
        return problem


def scheme_axes() -> list[Axis]:
    """Return the values of the scheme in the order in which they are varied."""

    def of(name: str, values: Sequence[Any]) -> Axis:
        def alternatives(problem: Problem) -> list[Problem]:
            now = getattr(problem.physics, name)
            return [with_physics(problem, **{name: value}) for value in values if value != now]

        return Axis(name, alternatives)

    def courant(problem: Problem) -> list[Problem]:
        """Courant numbers that give another number of steps; others change nothing."""
        now = inner_steps(problem, acoustic_physics(problem).courant_number)
        other = [value for value in COURANT if inner_steps(problem, value) != now]
        return [with_physics(problem, courant_number=value) for value in other]

    return [
        of("free_surface", (False, True)),
        of("accuracy", ORDERS),
        Axis("courant_number", courant),
        of("pml_width", WIDTHS),
    ]


def _equal_rows(rows: int) -> list[tuple[int, int]]:
    return [(row, row) for row in range(rows)]


def _any_rows(rows: int) -> list[tuple[int, int]]:
    return [(a, b) for a in range(rows) for b in range(rows)]
