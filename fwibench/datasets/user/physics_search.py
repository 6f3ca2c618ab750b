"""How recorded and simulated data of a dataset agree, and which options would make them agree better.

Invariant: what is concluded depends on the files and the problem alone, never on the clock; samples are spread over
all files, and the work is bounded by the size of the simulations.

A search goes coordinate by coordinate: one value is tried after the other, the best is kept. Its measure leaves
amplitude and delay open, since both follow from one simulation: the amplitude by least squares, the delay from the
cross-correlation.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from fwibench.datasets.agreement import Agreement, compare
from fwibench.datasets.user.problem_changes import (
    SAME_DELAY,
    cell_steps,
    inner_steps,
    is_level,
    shortened,
    typed,
    with_delay,
    with_depths,
    with_physics,
)
from fwibench.physics.parallel import simulate_each
from fwibench.problem import Problem, SeismicSurvey
from fwibench.samples import ShardedArray, evenly_spaced
from fwibench.typing import Array64, Indices

COMPARED = 8
"""Most samples that are compared with simulations of all their shots, as `data verify` does."""
COMPARED_WORK = 6e9
"""Cells times steps of these simulations, about 20 s on one core at 3e8 a second; two samples are always compared."""
SEARCHED, SHOTS = 3, 2
"""Most samples that a search simulates, and most shots of each."""
TRIAL_WORK = 1.5e8
"""Cells times steps of one trial of a search."""
SEARCH_WORK = 6e9
"""Of a whole search; a few trials are always made."""
FEWEST_TRIALS = 4
CLEARLY = 0.97
"""Another value is taken if its residual is below this part of the residual so far: noise decides nothing."""
GOOD = 1e-3
"""Residual at which a search ends: another processor or absorbing layer makes as much."""
UNEXPLAINED = 1e-2
"""Residual above which depths are searched, too."""
ROWS, BEST_DEPTHS = 6, 3
"""Rows from the top that are tried as depths on one shot, and how many of these pairs on all that are searched."""
ORDERS, WIDTHS, COURANT = (4, 8, 6, 2), (20, 10), (None, 0.67)
MUCH_BETTER = 0.7
"""Options are offered if they bring the residual below this part of what it is without."""
ENOUGH = 0.05
"""Residual at which records count as explained, as in `explaining.TYPICAL`."""
SAME_SCALE = 5e-3
"""Part by which an amplitude scale may be off without being offered."""


@dataclass(frozen=True)
class Offer:
    """Options that would explain the records better.

    Attributes:
        options: As they are typed.
        residual: Relative L2 residual of the searched samples with them.
        problem: The problem that they make.
    """

    options: str
    residual: float
    problem: Problem


@dataclass(frozen=True)
class Matched:
    """What a search found.

    Attributes:
        stated: The problem as stated, with the best of the values that were left open.
        offers: What would explain the records better; empty where nothing does.
        searched: Samples that were simulated.
        cut_short: Whether the search ended before all values were tried, since simulations are large.
    """

    stated: Problem
    offers: tuple[Offer, ...]
    searched: int
    cut_short: bool


def compared_numbers(problem: Problem, count: int) -> Indices:
    """Which of `count` samples are compared with simulations: at most 8, at least 2 where there are as many."""
    affordable = COMPARED_WORK / (cell_steps(problem) * len(problem.survey.sources))
    return evenly_spaced(count, max(min(COMPARED, int(affordable)), 2))


def compare_samples(
    problem: Problem, measurements: ShardedArray, properties: ShardedArray, numbers: Indices
) -> list[Agreement]:
    """Simulate properties and compare with the measurements.

    Args:
        problem: Has physics.
        measurements: Recorded data `(n, S, T, R)` of the samples.
        properties: Their maps `(n, 1, Z, X)`.
        numbers: What the samples are called, `(n,)`.

    Returns:
        One for each sample.
    """
    simulated = simulate_each(list(properties[:]), problem)
    seismic = problem.survey.kind == "seismic"
    return [
        compare(int(number), measurements[i], made, seismic=seismic)
        for i, (number, made) in enumerate(zip(numbers, simulated, strict=True))
    ]


Pairs = Callable[[int], list[tuple[int, int]]]
"""Rows of sources and receivers that are tried, of so many."""


def _together(rows: int) -> list[tuple[int, int]]:
    """Sources and receivers on the same row."""
    return [(row, row) for row in range(rows)]


def _apart(rows: int) -> list[tuple[int, int]]:
    """Sources and receivers on any two rows."""
    return [(a, b) for a in range(rows) for b in range(rows)]


@dataclass(frozen=True)
class _Trial:
    """One simulation of the searched samples beside their records.

    Attributes:
        residual: Relative L2 norm as they are.
        shape: The same at the best amplitude and delay.
        scale: Best factor on the simulated amplitude.
        delay: Best delay of the simulated traces [samples].
    """

    residual: float
    shape: float
    scale: float
    delay: float


class Search:
    """Tries values of a problem on some samples.

    Args:
        problem: As stated; values that are not given are at their defaults.
        measurements: All samples `(n, S, T, R)`.
        properties: All samples `(n, 1, Z, X)`.
        given: Names of the physics' values that the user gave: these are searched for offers alone.
    """

    def __init__(
        self, problem: Problem, measurements: ShardedArray, properties: ShardedArray, given: Iterable[str]
    ) -> None:
        self._problem, self._given = problem, frozenset(given)
        work = cell_steps(problem)
        sources = len(problem.survey.sources)
        shots = sorted({0, sources // 2})[:SHOTS] if 2 * SHOTS * work <= TRIAL_WORK else [sources // 2]
        count = max(min(SEARCHED, int(TRIAL_WORK / work / len(shots))), 2)
        numbers = evenly_spaced(len(properties), count)
        self._shots = shots
        self._maps = [properties[int(number)] for number in numbers]
        self._recorded = [measurements[int(number)] for number in numbers]
        self._trials: dict[Problem, _Trial] = {}
        self._most = max(int(SEARCH_WORK / (work * len(shots) * len(numbers))), FEWEST_TRIALS)
        self.cut_short = False

    def run(self) -> Matched:
        """Search the values that were left open, then what else would explain the records."""
        stated, trial = self._sweep(self._problem, [one for one in _scheme() if one.name not in self._given])
        found = stated
        if trial.shape > GOOD and (trial.shape > UNEXPLAINED or self._given):
            for which in (_together, _apart):
                if self._try(found).shape > UNEXPLAINED:
                    found = self._at_depths(found, which)
                found, _ = self._sweep(self._retimed(found), _scheme())
        offers: list[Offer] = []
        for problem in dict.fromkeys((stated, found)):
            matched = self._match(self._simplified(problem))
            options = typed(self._problem, matched)
            reached = self._try(matched).residual
            best = offers[-1].residual if offers else trial.residual
            if options and reached < MUCH_BETTER * best:
                # the shorter list of options is worth telling only if it is enough
                offers = [one for one in offers if one.residual <= ENOUGH]
                offers.append(Offer(options, reached, matched))
        return Matched(stated, tuple(offers), len(self._maps), self.cut_short)

    def _at_depths(self, problem: Problem, which: Pairs) -> Problem:
        """The problem with sources and receivers at the depths that explain the records best.

        One shot of one sample chooses a few pairs of depths, since a change of one depth alone may make it worse.
        """
        if not is_level(problem):
            return problem
        spacing, rows = problem.grid.spacing, min(ROWS, problem.grid.nz)
        candidates = [with_depths(problem, a * spacing, b * spacing) for a, b in which(rows)]
        middle = len(self._maps) // 2
        roughly = sorted(candidates, key=lambda one: self._simulate(one, [middle], self._shots[-1:]).shape)
        axis = _Axis("depth", lambda now: roughly[:BEST_DEPTHS])
        return self._sweep(problem, [axis], rounds=1)[0]

    def _retimed(self, problem: Problem) -> Problem:
        """The problem with its best delay: a shifted record lacks its end, which limits how well shapes agree."""
        trial = self._try(problem)
        if abs(trial.delay) <= SAME_DELAY or trial.shape > 0.5:
            return problem
        moved = with_delay(problem, trial.delay)
        return problem if moved is None or self._try(moved).shape > trial.shape else moved

    def _simplified(self, problem: Problem) -> Problem:
        """The problem without the values that hardly matter."""
        stated = self._problem.physics
        for name in (axis.name for axis in _scheme()):
            simpler = with_physics(problem, **{name: getattr(stated, name)})
            if simpler != problem and self._try(simpler).shape <= max(1.2 * self._try(problem).shape, 2 * GOOD):
                problem = simpler
        return problem

    def _sweep(self, problem: Problem, axes: Sequence[_Axis], rounds: int = 3) -> tuple[Problem, _Trial]:
        """Best problem, coordinate by coordinate, until a whole round changes nothing."""
        best = self._try(problem)
        for _ in range(rounds):
            before = problem
            for axis in axes:
                for candidate in axis.candidates(problem):
                    if best.shape <= GOOD:
                        return problem, best
                    if candidate not in self._trials and len(self._trials) >= self._most:
                        self.cut_short = True
                        return problem, best
                    trial = self._try(candidate)
                    if trial.shape < CLEARLY * best.shape:
                        problem, best = candidate, trial
            if problem == before:
                break
        return problem, best

    def _match(self, problem: Problem) -> Problem:
        """The problem with the delay and the amplitude scale that explain the records best."""
        for _ in range(2):  # the second time on a simulation that is nearly right
            trial = self._try(problem)
            if abs(trial.delay) > SAME_DELAY and (moved := with_delay(problem, trial.delay)) is not None:
                problem = moved
            trial = self._try(problem)
            if abs(trial.scale - 1) > SAME_SCALE and trial.scale:
                problem = with_physics(problem, source_scale=shortened(problem.physics.source_scale * trial.scale))  # type: ignore[union-attr]
        return problem

    def _try(self, problem: Problem) -> _Trial:
        if problem not in self._trials:
            self._trials[problem] = self._simulate(problem, range(len(self._maps)), self._shots)
        return self._trials[problem]

    def _simulate(self, problem: Problem, samples: Iterable[int], shots: Sequence[int]) -> _Trial:
        survey = problem.survey
        if not isinstance(survey, SeismicSurvey):
            raise TypeError("only seismic surveys are searched")
        some, chosen = problem.model_copy(update={"survey": survey.with_shots(shots)}), list(samples)
        simulated = simulate_each([self._maps[one] for one in chosen], some)
        recorded = [self._recorded[one][list(shots)].astype(np.float64) for one in chosen]
        # every sample counts alike, however loud it is
        sizes = [float(np.linalg.norm(one)) or 1.0 for one in recorded]
        return _compare(
            np.concatenate([one / size for one, size in zip(recorded, sizes, strict=True)]),
            np.concatenate([one.astype(np.float64) / size for one, size in zip(simulated, sizes, strict=True)]),
        )


@dataclass(frozen=True)
class _Axis:
    """Values of a problem that are tried in turn."""

    name: str
    candidates: Callable[[Problem], list[Problem]]


def _scheme() -> list[_Axis]:
    def of(name: str, values: Sequence[Any]) -> _Axis:
        def candidates(problem: Problem) -> list[Problem]:
            now = getattr(problem.physics, name)
            return [with_physics(problem, **{name: value}) for value in values if value != now]

        return _Axis(name, candidates)

    def courant(problem: Problem) -> list[Problem]:
        """Courant numbers that give another number of steps; others change nothing."""
        now = inner_steps(problem, problem.physics.courant_number)  # type: ignore[union-attr]
        other = [value for value in COURANT if inner_steps(problem, value) != now]
        return [with_physics(problem, courant_number=value) for value in other]

    return [
        of("free_surface", (False, True)),
        of("accuracy", ORDERS),
        _Axis("courant_number", courant),
        of("pml_width", WIDTHS),
    ]


def _compare(recorded: Array64, simulated: Array64) -> _Trial:
    """Compares traces `(S, T, R)` as they are and at the best amplitude and delay."""
    size, other = float(np.linalg.norm(recorded)), float(np.linalg.norm(simulated))
    if not (size and other and math.isfinite(other)):
        return _Trial(math.inf, math.inf, 1.0, 0.0)
    as_is = compare(0, recorded, simulated, seismic=True)
    delay, product = _best_lag(recorded, simulated, as_is.delay or 0.0)
    shape = math.sqrt(max(1 - (product / size / other) ** 2, 0.0))
    return _Trial(as_is.residual, shape, product / other**2, delay)


def _best_lag(a: Array64, b: Array64, near: float) -> tuple[float, float]:
    """Lag [samples] near a first guess at which the cross-correlation is largest in size, and its value there."""
    from scipy.optimize import minimize_scalar

    length = 2 * a.shape[1]
    spectrum = (np.fft.rfft(a, length, axis=1) * np.fft.rfft(b, length, axis=1).conj()).sum((0, 2))
    weights = np.full(len(spectrum), 2.0)
    weights[[0, -1]] = 1.0
    turns = 2j * np.pi * np.fft.rfftfreq(length)

    def product(lag: float) -> float:
        return float((weights * spectrum * np.exp(turns * lag)).real.sum() / length)

    sign = math.copysign(1.0, product(near))
    found = minimize_scalar(lambda lag: -sign * product(lag), bounds=(near - 1, near + 1), method="bounded")
    return float(found.x), product(float(found.x))
