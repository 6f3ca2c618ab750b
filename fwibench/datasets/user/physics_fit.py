"""Whether the suite's simulations explain the records of added data, and with which physics.

Invariant: physics is kept only if several samples, spread over the files, come out as they were recorded; `data verify`
compares the same samples, so both always agree.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from fwibench.datasets.agreement import Agreement
from fwibench.datasets.user.file_pairs import Gathered
from fwibench.datasets.user.options import SurveyOptions
from fwibench.datasets.user.physics_search import (
    ENOUGH,
    Matched,
    Offer,
    Search,
    compare_samples,
    compared_numbers,
)
from fwibench.datasets.user.problem_changes import DEFAULT_COURANT
from fwibench.datasets.user.survey import make_physics
from fwibench.datasets.user.value_ranges import arrays
from fwibench.problem import AcousticPhysics, Problem, SeismicSurvey

TYPICAL = ENOUGH
"""Simulated and recorded data may differ by this much (relative L2, median of the samples) and still count as the same
physics: another order of the scheme makes 2 %, a wavelet that is one sample late 10 %."""
WORST = 0.1
"""A single sample may: slow maps have shorter waves, and with them larger errors of a coarser scheme."""


@dataclass(frozen=True)
class Explained:
    """What simulations say of the records.

    Attributes:
        problem: With physics if it explains them.
        notes: What was estimated and found, in sentences.
        agreements: Of each sample that was compared.
        offers: Options that would explain them better.
    """

    problem: Problem
    notes: tuple[str, ...]
    agreements: tuple[Agreement, ...] = ()
    offers: tuple[Offer, ...] = ()


def explain(problem: Problem, said: SurveyOptions, gathered: Gathered, *, placed: bool) -> Explained:
    """Find the physics that explains the records.

    Args:
        problem: Without physics.
        said: What the user says of the survey and the scheme.
        gathered: The files.
        placed: Whether places of sources and receivers are known rather than assumed.

    Returns:
        The problem, with physics where it can be simulated and samples agree.

    Raises:
        UsageError: A value of the scheme cannot be right.
    """
    survey = problem.survey
    if not isinstance(survey, SeismicSurvey):
        return Explained(problem, ("no physics: electromagnetic data that were added are not simulated",))
    physics = make_physics(said, survey.wavelet.frequency, problem.property.high)
    if problem.property.unit != "m/s" or not placed:
        return Explained(
            problem,
            ("no physics: simulating needs --source-x, --receiver-x, --frequency or --wavelet, and velocities in m/s",),
        )
    named = {"order": "accuracy", "pml": "pml_width", "courant": "courant_number", "free_surface": "free_surface"}
    given = [of_physics for option, of_physics in named.items() if getattr(said, option) is not None]
    measurements, properties = arrays(gathered)
    simulated = problem.model_copy(update={"physics": physics})
    matched = Search(simulated, measurements, properties, given).run()
    numbers = compared_numbers(matched.stated, len(properties))
    agreements = compare_samples(matched.stated, measurements.select(numbers), properties.select(numbers), numbers)
    residuals = [one.residual for one in agreements]
    typical, worst = statistics.median(residuals), max(residuals)
    kept = typical <= TYPICAL and worst <= WORST
    differ = f"by {show_share(typical)} (median of {len(residuals)} samples), {show_share(worst)} at worst"
    if kept:
        notes = [f"acoustic physics: simulated records differ from the recorded ones {differ}"]
    else:
        notes = [
            f"no physics: simulated records differ from the recorded ones {differ}; accepted are {TYPICAL:.0%} and "
            f"{WORST:.0%}"
        ]
    notes.append(_scheme(matched, given))
    return Explained(matched.stated if kept else problem, tuple(notes), tuple(agreements), matched.offers)


def show_share(value: float) -> str:
    """A residual as people read it: 8.1e-03 below a percent, 2.7% above, 1000 times far above."""
    if not value < 10:
        return f"{value:.3g} times"
    return f"{value:.1%}" if value >= 0.01 else f"{value:.1e}"


def _scheme(matched: Matched, given: list[str]) -> str:
    physics = matched.stated.physics
    if not isinstance(physics, AcousticPhysics):
        raise TypeError("only acoustic physics is described")
    said = {
        "accuracy": f"order {physics.accuracy}",
        "pml_width": f"{physics.pml_width} absorbing cells",
        "courant_number": f"Courant number {physics.courant_number or DEFAULT_COURANT:g}",
        "free_surface": "a free surface" if physics.free_surface else "an absorbing top",
    }
    estimated = [text for name, text in said.items() if name not in given]
    as_given = [text for name, text in said.items() if name in given]
    parts = []
    if as_given:
        parts.append(f"{', '.join(as_given)} as given")
    if estimated:
        how = f"what fits {matched.searched} samples best" if matched.searched > 1 else "what fits the sample best"
        parts.append(f"{', '.join(estimated)}: {how}")
    cut = "; simulations are large, so not all values were tried" if matched.cut_short else ""
    return f"simulated with {'; '.join(parts)}{cut}"
