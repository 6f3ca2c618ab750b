"""Trials of a search: simulations of some samples with some values of the problem, compared with their records.

Invariant: a trial depends on the files and the problem only, never on the clock.

Amplitude and delay need no trial of their own, since both follow from one simulation: the amplitude by least squares,
the delay from the cross-correlation.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from fwibench.datasets.agreement import compare
from fwibench.datasets.user.problem_changes import cell_steps
from fwibench.physics.parallel import simulate_each
from fwibench.problem import Problem, seismic_survey
from fwibench.samples import ShardedArray, evenly_spaced
from fwibench.typing import Array64

SAMPLES, SHOTS = 3, 2
"""Most samples that a trial simulates, and most shots of each."""
TRIAL_WORK = 1.5e8
"""Most cells times steps of a trial, about half a second on one core at 3e8 a second; two samples are
always simulated."""


@dataclass(frozen=True)
class Trial:
    """A simulation compared with the records.

    Attributes:
        residual: Relative L2 norm of the difference.
        shape: The same at the best amplitude and delay.
        scale: Best factor on the simulated amplitude.
        delay: Best delay of the simulated traces [samples].
    """

    residual: float
    shape: float
    scale: float
    delay: float


class Trials:
    """Trials of problems on the same samples; a problem is simulated once.

    Args:
        problem: First problem, whose size decides the number of samples and shots.
        measurements: All samples `(n, S, T, R)`.
        properties: All samples `(n, 1, Z, X)`.

    Attributes:
        samples: Number of samples that are simulated.
        work: Cells times steps of a trial.
    """

    def __init__(self, problem: Problem, measurements: ShardedArray, properties: ShardedArray) -> None:
        work, sources = cell_steps(problem), len(problem.survey.sources)
        middle = sources // 2
        self._shots = sorted({0, middle})[:SHOTS] if 2 * SHOTS * work <= TRIAL_WORK else [middle]
        count = max(min(SAMPLES, int(TRIAL_WORK / work / len(self._shots))), 2)
        numbers = evenly_spaced(len(properties), count)
        self._maps = [properties[int(number)] for number in numbers]
        self._records = [measurements[int(number)] for number in numbers]
        self._done: dict[Problem, Trial] = {}
        self.samples = len(self._maps)
        self.work = work * len(self._shots) * len(numbers)

    def __len__(self) -> int:
        return len(self._done)

    def __contains__(self, problem: Problem) -> bool:
        return problem in self._done

    def run(self, problem: Problem) -> Trial:
        """Return the trial of a problem; simulates it if that was not done before."""
        if problem not in self._done:
            self._done[problem] = self._simulate(problem, range(self.samples), self._shots)
        return self._done[problem]

    def run_roughly(self, problem: Problem) -> Trial:
        """Return the trial of a problem on one shot of one sample."""
        return self._simulate(problem, [self.samples // 2], self._shots[-1:])

    def _simulate(self, problem: Problem, samples: Iterable[int], shots: Sequence[int]) -> Trial:
        some, chosen = problem.model_copy(update={"survey": seismic_survey(problem).with_shots(shots)}), list(samples)
        simulated = simulate_each([self._maps[one] for one in chosen], some)
        recorded = [self._records[one][list(shots)].astype(np.float64) for one in chosen]
        # every sample counts alike, whatever its amplitude
        sizes = [float(np.linalg.norm(one)) or 1.0 for one in recorded]
        return compare_traces(
            np.concatenate([one / size for one, size in zip(recorded, sizes, strict=True)]),
            np.concatenate([one.astype(np.float64) / size for one, size in zip(simulated, sizes, strict=True)]),
        )


def compare_traces(recorded: Array64, simulated: Array64) -> Trial:
    """Compare traces `(S, T, R)` as they are and at the best amplitude and delay."""
    size, other = float(np.linalg.norm(recorded)), float(np.linalg.norm(simulated))
    if not (size and other and math.isfinite(other)):
        return Trial(math.inf, math.inf, 1.0, 0.0)
    as_is = compare(0, recorded, simulated, seismic=True)
    delay, product = _best_lag(recorded, simulated, as_is.delay or 0.0)
    shape = math.sqrt(max(1 - (product / size / other) ** 2, 0.0))
    return Trial(as_is.residual, shape, product / other**2, delay)


def _best_lag(a: Array64, b: Array64, near: float) -> tuple[float, float]:
    """Lag [samples] near a first guess with the largest absolute cross-correlation, and the correlation there."""
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
