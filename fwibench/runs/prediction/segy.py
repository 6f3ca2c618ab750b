"""Measurements from SEG-Y files, read in the same way as by `data add`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from fwibench.datasets.readers.maps import reading
from fwibench.datasets.readers.segy_positions import MapPositions
from fwibench.datasets.readers.segy_shots import TraceOptions, read_shots
from fwibench.datasets.user.projection import GivenPositions, project_samples
from fwibench.errors import ProblemError
from fwibench.problem import Problem, SeismicSurvey
from fwibench.typing import Array32


def read_segy(path: Path, problem: Problem) -> tuple[Array32, list[str]]:
    """Read the shots of a SEG-Y file as samples of a problem.

    Args:
        path: A SEG-Y file, whose number of shots is a multiple of the problem's sources.
        problem: Problem with sources, receivers and time step.

    Returns:
        The measurements, `(n, S, T, R)`, and notes on what was read, assumed and doubtful.

    Raises:
        DataError: The file cannot be read, or its headers contradict each other.
        ProblemError: The file has another number of shots or another time step.
    """
    survey = problem.survey
    sources, _, receivers = problem.measurement_shape
    step = survey.dt if isinstance(survey, SeismicSurvey) else None
    with reading(path):
        shots = read_shots(path, TraceOptions(step=step, sources=sources, receivers=receivers))
    if step is not None and shots.step and abs(shots.step - step) > 1e-6:
        raise ProblemError(
            f"{path} has a time step of {shots.step:g} s, expected {step:g} s", f"resample it to {step:g} s"
        )
    if len(shots.traces) % sources:
        raise ProblemError(
            f"{path} has {len(shots.traces)} shots, expected a multiple of {sources}: the sources of a sample",
            "cut the file to complete samples",
        )
    notes = [*shots.notes]
    if shots.positions is not None and shots.traces.shape[2] == receivers:
        notes += _compare_positions(shots.positions, problem)
    return shots.traces.reshape(-1, sources, *shots.traces.shape[1:]), notes


def _compare_positions(positions: MapPositions, problem: Problem) -> list[str]:
    """Return a line if source or receiver positions differ from the survey by more than an offset of the section."""
    survey = problem.survey
    shots = range(len(survey.sources))
    known = np.array([point.x for point in survey.sources])
    moving = survey.receivers_of if isinstance(survey, SeismicSurvey) else lambda shot: survey.receivers
    spread = np.array([[point.x for point in moving(shot)] for shot in shots])
    farthest = {"sources": 0.0, "receivers": 0.0}
    for first in range(0, len(positions.sources), len(known)):
        # depths are not compared: the elevation of the grid's first row is unknown
        one = replace(positions.of_shots(slice(first, first + len(known))), has_heights=False)
        found = project_samples([one], [None], problem.grid, GivenPositions(sources=known.tolist()))
        for what, x, right in (("sources", found.sources[:, 0], known), ("receivers", found.receivers[..., 0], spread)):
            farthest[what] = max(farthest[what], float(np.abs(x - right).max()))
    return [
        f"the headers place {what} up to {far:.4g} m from those of the problem's survey"
        for what, far in farthest.items()
        if far > problem.grid.spacing / 2
    ]
