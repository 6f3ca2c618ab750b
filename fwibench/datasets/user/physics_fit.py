"""Fit of the suite's simulations to the records of a user's data.

Invariant: physics is kept only if several samples, spread over the files, are simulated as they were recorded;
`data verify` compares the same samples, so both agree.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass

from fwibench.datasets.agreement import Agreement, compare_samples
from fwibench.datasets.user.file_pairs import FilePairs
from fwibench.datasets.user.options import SurveyOptions
from fwibench.datasets.user.physics_search import EXPLAINED, Offer, Search, SearchResult
from fwibench.datasets.user.problem_changes import DEFAULT_COURANT, cell_steps
from fwibench.datasets.user.survey import make_physics
from fwibench.datasets.user.value_ranges import open_pairs
from fwibench.problem import Problem, SeismicSurvey, acoustic_physics
from fwibench.samples import evenly_spaced
from fwibench.typing import Indices

WORST = 0.1
"""Largest residual of a single sample: slow maps have shorter waves and larger errors of a coarser scheme."""
COMPARED = 8
"""Most samples that are compared with simulations of all their shots."""
COMPARED_WORK = 6e9
"""Most cells times steps of these simulations, about 20 s on one core at 3e8 a second; two samples are
always compared."""


@dataclass(frozen=True)
class PhysicsFit:
    """Result of a fit.

    Attributes:
        problem: The problem, with physics if it explains the records.
        notes: Sentences on what was estimated and found.
        agreements: Agreement of each sample that was compared.
        offers: Options that explain the records better.
    """

    problem: Problem
    notes: tuple[str, ...]
    agreements: tuple[Agreement, ...] = ()
    offers: tuple[Offer, ...] = ()


def fit_physics(problem: Problem, options: SurveyOptions, pairs: FilePairs, *, has_positions: bool) -> PhysicsFit:
    """Find the physics that explains the records.

    Args:
        problem: Problem without physics.
        options: Options of the user.
        pairs: Files of the samples.
        has_positions: Whether positions of sources and receivers are known rather than assumed.

    Returns:
        The problem, with physics where it can be simulated and samples agree.

    Raises:
        UsageError: A value of the scheme cannot be right.
    """
    survey = problem.survey
    if not isinstance(survey, SeismicSurvey):
        return PhysicsFit(problem, ("no physics: electromagnetic data that were added are not simulated",))
    physics = make_physics(options, survey.wavelet.frequency, problem.property.high)
    if problem.property.unit != "m/s" or not has_positions:
        return PhysicsFit(
            problem,
            ("no physics: simulating needs --source-x, --receiver-x, --frequency or --wavelet, and velocities in m/s",),
        )
    named = {"order": "accuracy", "pml": "pml_width", "courant": "courant_number", "free_surface": "free_surface"}
    given = [value for option, value in named.items() if getattr(options, option) is not None]
    measurements, properties = open_pairs(pairs)
    found = Search(problem.model_copy(update={"physics": physics}), measurements, properties, given).run()
    numbers = compared_samples(found.stated, len(properties))
    agreements = compare_samples(found.stated, measurements.select(numbers), properties.select(numbers), numbers)
    residuals = [one.residual for one in agreements]
    typical, worst = statistics.median(residuals), max(residuals)
    kept = typical <= EXPLAINED and worst <= WORST
    differ = f"by {show_share(typical)} (median of {len(residuals)} samples), {show_share(worst)} at worst"
    if kept:
        notes = [f"acoustic physics: simulated records differ from the recorded ones {differ}"]
    else:
        notes = [
            f"no physics: simulated records differ from the recorded ones {differ}; accepted are {EXPLAINED:.0%} and "
            f"{WORST:.0%}"
        ]
    notes.append(_describe_scheme(found, given))
    return PhysicsFit(found.stated if kept else problem, tuple(notes), tuple(agreements), found.offers)


def compared_samples(problem: Problem, count: int) -> Indices:
    """Return the numbers of the samples that are compared with simulations, of `count` samples in all."""
    affordable = COMPARED_WORK / (cell_steps(problem) * len(problem.survey.sources))
    return evenly_spaced(count, max(min(COMPARED, int(affordable)), 2))


def show_share(value: float) -> str:
    """Return a residual as text: 8.1e-03 below a percent, 2.7% above, 1000 times far above."""
    if not value < 10:
        return f"{value:.3g} times"
    return f"{value:.1%}" if value >= 0.01 else f"{value:.1e}"


def _describe_scheme(found: SearchResult, given: list[str]) -> str:
    physics = acoustic_physics(found.stated)
    texts = {
        "accuracy": f"order {physics.accuracy}",
        "pml_width": f"{physics.pml_width} absorbing cells",
        "courant_number": f"Courant number {physics.courant_number or DEFAULT_COURANT:g}",
        "free_surface": "a free surface" if physics.free_surface else "an absorbing top",
    }
    as_given = [text for name, text in texts.items() if name in given]
    estimated = [text for name, text in texts.items() if name not in given]
    parts = []
    if as_given:
        parts.append(f"{', '.join(as_given)} as given")
    if estimated:
        how = f"what fits {found.samples} samples best" if found.samples > 1 else "what fits the sample best"
        parts.append(f"{', '.join(estimated)}: {how}")
    cut = "; simulations are large, so not all values were tried" if found.cut_short else ""
    return f"simulated with {'; '.join(parts)}{cut}"
