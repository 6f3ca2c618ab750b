"""Acoustic problems with some values changed, and the options of `data add` that make the change."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from fwibench.datasets.user.wavelet_file import move_peak
from fwibench.physics.placement import reached_rows
from fwibench.problem import Point, Problem, SampledWavelet, acoustic_physics, seismic_survey

DEFAULT_COURANT = 0.6
"""Courant number where None is given: `deepwave.DEFAULT_COURANT_NUMBER`, whose import would import torch."""
SAME_DELAY = 0.02
"""Largest difference of two delays that count as the same [samples]."""


def cell_steps(problem: Problem) -> float:
    """Return the work of simulating one shot: cells, absorbing ones included, times time steps."""
    physics = acoustic_physics(problem)
    rows = reached_rows(problem) + (1 if physics.free_surface else 2) * physics.pml_width
    columns = problem.grid.nx + 2 * physics.pml_width
    steps = seismic_survey(problem).nt * inner_steps(problem, physics.courant_number)
    return float(rows * columns * steps)


def inner_steps(problem: Problem, courant: float | None) -> int:
    """Return the number of simulation steps in a time sample, for a Courant number."""
    step = problem.grid.spacing / acoustic_physics(problem).max_velocity / math.sqrt(2) * (courant or DEFAULT_COURANT)
    return max(math.ceil(seismic_survey(problem).dt / step - 1e-9), 1)


def has_common_depths(problem: Problem) -> bool:
    """Return whether all sources have one depth, and all receivers have one."""
    survey = seismic_survey(problem)
    receivers = [point for shot in (survey.receivers, *survey.shot_receivers) for point in shot]
    return all(len({point.z for point in points}) == 1 for points in (survey.sources, receivers))


def with_depths(problem: Problem, source: float | None = None, receiver: float | None = None) -> Problem:
    """Return the problem with sources, receivers or both at other depths.

    Args:
        problem: A seismic problem.
        source: Depth of all sources [m]; None leaves them.
        receiver: Depth of all receivers [m]; None leaves them.
    """
    survey = seismic_survey(problem)
    changes: dict[str, Any] = {}
    if source is not None:
        changes["sources"] = _at_depth(survey.sources, source)
    if receiver is not None:
        changes["receivers"] = _at_depth(survey.receivers, receiver)
        changes["shot_receivers"] = tuple(_at_depth(shot, receiver) for shot in survey.shot_receivers)
    return problem.model_copy(update={"survey": survey.model_copy(update=changes)})


def _at_depth(points: Iterable[Point], depth: float) -> tuple[Point, ...]:
    return tuple(Point(x=point.x, z=depth) for point in points)


def with_delay(problem: Problem, samples: float) -> Problem | None:
    """Return the problem whose wavelet comes some samples later; None where it would peak before time 0."""
    survey = seismic_survey(problem)
    # to a fiftieth of a sample, so that the option is short
    delay = round((survey.wavelet.delay / survey.dt + samples) / SAME_DELAY) * SAME_DELAY * survey.dt
    delay = float(f"{delay:.6g}")
    if delay < 0:
        return None
    if isinstance(survey.wavelet, SampledWavelet):
        wavelet: Any = move_peak(survey.wavelet, survey.dt, survey.nt, delay)
    else:
        wavelet = survey.wavelet.model_copy(update={"delay": delay})
    return problem.model_copy(update={"survey": survey.model_copy(update={"wavelet": wavelet})})


def with_physics(problem: Problem, **changes: Any) -> Problem:
    """Return the problem with some values of its acoustic physics changed."""
    return problem.model_copy(update={"physics": acoustic_physics(problem).model_copy(update=changes)})


def option_texts(old: Problem, new: Problem) -> str:
    """Return the options of the command line that make one problem of another; empty where nothing differs."""
    options = []
    was, now = seismic_survey(old), seismic_survey(new)
    if now.wavelet.delay != was.wavelet.delay:
        options.append(f"--delay {now.wavelet.delay:g}")
    before, after = acoustic_physics(old), acoustic_physics(new)
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


def shorten_number(value: float) -> float:
    """Return the shortest number within a thousandth of a value: -1000 for -999.4."""
    for digits in range(1, 6):
        short = float(f"{value:.{digits}g}")
        if abs(short - value) <= 1e-3 * abs(value):
            return short
    return value
