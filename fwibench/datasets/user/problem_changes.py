"""Problems that differ in one value from another, and the options that make the difference."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from fwibench.datasets.user.wavelet_file import move
from fwibench.physics.placement import reached_rows
from fwibench.problem import AcousticPhysics, Point, Problem, SampledWavelet, SeismicSurvey

DEFAULT_COURANT = 0.6
"""What None means; `deepwave.DEFAULT_COURANT_NUMBER`, which would import torch."""
SAME_DELAY = 0.02
"""Samples by which a delay may be off without being offered."""


def cell_steps(problem: Problem) -> float:
    """Cells times time steps of one shot's simulation, absorbing cells included."""
    survey, physics = problem.survey, problem.physics
    if not isinstance(survey, SeismicSurvey) or not isinstance(physics, AcousticPhysics):
        raise TypeError("only acoustic simulations have steps")
    rows = reached_rows(problem) + (1 if physics.free_surface else 2) * physics.pml_width
    columns = problem.grid.nx + 2 * physics.pml_width
    return float(rows * columns * survey.nt * inner_steps(problem, physics.courant_number))


def inner_steps(problem: Problem, courant: float | None) -> int:
    """Steps of the simulation in a time sample of the survey."""
    survey, physics = problem.survey, problem.physics
    if not isinstance(survey, SeismicSurvey) or not isinstance(physics, AcousticPhysics):
        raise TypeError("only acoustic simulations have steps")
    step = problem.grid.spacing / physics.max_velocity / math.sqrt(2) * (courant or DEFAULT_COURANT)
    return max(math.ceil(survey.dt / step - 1e-9), 1)


def is_level(problem: Problem) -> bool:
    """Whether all sources have one depth, and all receivers have one."""
    survey = problem.survey
    if not isinstance(survey, SeismicSurvey):
        return False
    receivers = [place for spread in (survey.receivers, *survey.shot_receivers) for place in spread]
    return all(len({place.z for place in places}) == 1 for places in (survey.sources, receivers))


def with_depths(problem: Problem, source: float, receiver: float) -> Problem:
    """Return the problem with its sources at one depth and its receivers at another [m]."""
    return with_depth(with_depth(problem, source, ["sources"]), receiver, ["receivers"])


def with_depth(problem: Problem, depth: float, which: Iterable[str] = ("sources", "receivers")) -> Problem:
    """The problem with its sources, its receivers or both at another depth [m]."""
    survey = problem.survey
    changes: dict[str, Any] = {}
    for name in which:
        changes[name] = _at_depth(getattr(survey, name), depth)
        if name == "receivers" and isinstance(survey, SeismicSurvey):
            changes["shot_receivers"] = tuple(_at_depth(places, depth) for places in survey.shot_receivers)
    return problem.model_copy(update={"survey": survey.model_copy(update=changes)})


def _at_depth(places: Iterable[Point], depth: float) -> tuple[Point, ...]:
    return tuple(Point(x=place.x, z=depth) for place in places)


def with_delay(problem: Problem, samples: float) -> Problem | None:
    """The problem whose wavelet comes some samples later; None where it would peak before time 0."""
    survey = problem.survey
    if not isinstance(survey, SeismicSurvey):
        raise TypeError("only seismic surveys have a wavelet")
    # to a fiftieth of a sample, so that the option is short
    delay = round((survey.wavelet.delay / survey.dt + samples) / SAME_DELAY) * SAME_DELAY * survey.dt
    delay = float(f"{delay:.6g}")
    if delay < 0:
        return None
    if isinstance(survey.wavelet, SampledWavelet):
        wavelet: Any = move(survey.wavelet, survey.dt, survey.nt, delay)
    else:
        wavelet = survey.wavelet.model_copy(update={"delay": delay})
    return problem.model_copy(update={"survey": survey.model_copy(update={"wavelet": wavelet})})


def typed(stated: Problem, found: Problem) -> str:
    """The options that make one problem of the other, as they are typed; empty where nothing differs."""
    options = []
    was, now = stated.survey, found.survey
    if not isinstance(was, SeismicSurvey) or not isinstance(now, SeismicSurvey):
        raise TypeError("only seismic surveys have these options")
    if now.wavelet.delay != was.wavelet.delay:
        options.append(f"--delay {now.wavelet.delay:g}")
    before, after = stated.physics, found.physics
    if not isinstance(before, AcousticPhysics) or not isinstance(after, AcousticPhysics):
        raise TypeError("only acoustic physics has these options")
    if after.source_scale != before.source_scale:
        options.append(f"--source-scale {after.source_scale:g}")
    source, receiver = now.sources[0].z, now.receivers[0].z
    if (source, receiver) != (was.sources[0].z, was.receivers[0].z):
        both = f"--depth {source:g}"
        options.append(both if source == receiver else f"--source-depth {source:g} --receiver-depth {receiver:g}")
    if after.accuracy != before.accuracy:
        options.append(f"--order {after.accuracy}")
    if after.pml_width != before.pml_width:
        options.append(f"--pml {after.pml_width}")
    if after.courant_number != before.courant_number:
        options.append(f"--courant {after.courant_number or DEFAULT_COURANT:g}")
    if after.free_surface != before.free_surface:
        options.append("--free-surface" if after.free_surface else "--no-free-surface")
    return " ".join(options)


def with_physics(problem: Problem, **changes: Any) -> Problem:
    """Return the problem with some values of its physics changed; it must have physics."""
    return problem.model_copy(update={"physics": problem.physics.model_copy(update=changes)})  # type: ignore[union-attr]


def shortened(value: float) -> float:
    """The shortest number that is the same to a thousandth: -999.4 is -1000."""
    for digits in range(1, 6):
        short = float(f"{value:.{digits}g}")
        if abs(short - value) <= 1e-3 * abs(value):
            return short
    return value
