"""Grids of the bands: as coarse as the wavelengths of a band allow.

Invariant: models stay on the grid of the problem. A simulation of a band averages them to its grid, which autograd
differentiates, so that nothing has to be carried from grid to grid.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

from fwibench.problem import AcousticPhysics, Problem, SeismicSurvey
from fwibench_baselines.fwi.discretisation import MULTIPLE, on_time_axis, stable_steps

COARSEST = 3
"""Largest spacing over that of the problem. Still coarser grids save little, since the absorbing frame remains."""
THINNEST = 8
"""Smallest width of the absorbing frame [cells]. Thinner ones reflect several percent of long waves, and at the lowest
frequencies that is more than the models change the data."""
SPREAD = 2.0
"""Highest frequency of a band over its corner: beyond it a Butterworth filter of order 4 leaves less than 7 %."""


def coarseness(problem: Problem, corner: float | None, nodes: float) -> int:
    """Return the spacing of a band's grid over that of the problem.

    Args:
        problem: Problem as the inversion simulates it.
        corner: Upper corner of the band [Hz]; None: full band, which is simulated on the grid of the problem.
        nodes: Smallest number of nodes in the shortest wavelength of the band; 0: all bands on the problem's grid.
    """
    physics = problem.physics
    # a free surface lies one cell above row 0, whatever the spacing
    if corner is None or not nodes or not isinstance(physics, AcousticPhysics) or physics.free_surface:
        return 1
    shortest = problem.property.low / (SPREAD * corner)
    return min(max(int(shortest / nodes / problem.grid.spacing), 1), COARSEST)


@lru_cache(maxsize=16)
def coarse(problem: Problem, factor: int) -> Problem:
    """Return the problem on a grid of `factor` times the spacing, with a time axis that is stable there.

    Raises:
        TypeError: The problem is not acoustic.
    """
    survey, physics, grid = problem.survey, problem.physics, problem.grid
    if not isinstance(physics, AcousticPhysics) or not isinstance(survey, SeismicSurvey):
        raise TypeError("only acoustic problems have grids of bands")
    if factor == 1:
        return problem
    nz, nx = (math.ceil((length - 1) / factor) + 1 for length in grid.shape)
    wider = problem.model_copy(
        update={
            "grid": grid.model_copy(update={"nz": nz, "nx": nx, "spacing": factor * grid.spacing}),
            "physics": physics.model_copy(
                update={
                    "pml_width": max(math.ceil(physics.pml_width / factor), THINNEST),
                    # the source lies on one node, whose cell is larger
                    "source_scale": physics.source_scale / factor**2,
                }
            ),
        }
    )
    steps = stable_steps(wider, survey.nt * survey.dt, physics.courant_number or 1.0)
    samples = min(MULTIPLE * math.ceil(steps / MULTIPLE), survey.nt)
    return wider.model_copy(update={"survey": on_time_axis(survey, samples)})


def averaged(velocity: Tensor, factor: int) -> Tensor:
    """Average velocities `(n, 1, Z, X)` to a grid of `factor` times the spacing.

    Squared slowness is averaged, which keeps travel times; edges are continued.
    """
    if factor == 1:
        return velocity
    beyond = [-(length - 1) % factor for length in velocity.shape[2:]]
    edges = (factor - 1, factor - 1 + beyond[1], factor - 1, factor - 1 + beyond[0])
    hat = 1 - torch.arange(1 - factor, factor, dtype=velocity.dtype, device=velocity.device).abs() / factor
    weights = (hat[:, None] * hat / factor**2)[None, None]
    slowness = pad(velocity, edges, mode="replicate").square().reciprocal()
    return conv2d(slowness, weights, stride=factor).rsqrt()
