"""Arithmetic of a gradient, counted from the scheme: no counter sees into deepwave's kernels."""

from __future__ import annotations

import math

import deepwave

from fwibench.physics.placement import reached_rows
from fwibench.problem import AcousticPhysics, Problem, SeismicSurvey
from fwibench_baselines.fwi.discretisation import stable_steps


def gradient_flops(problem: Problem) -> int:
    """Floating-point operations of one misfit and its gradient, all shots of one sample.

    A step of the second-order scheme costs, for each cell within reach and its absorbing frame, two second
    differences of the stencil's order and five operations of the update. The adjoint costs as much, and the
    gradient two operations more. The survey's time step is divided until it is stable. Absorbing terms,
    sources and receivers are left out: they are few.
    """
    survey, physics = problem.survey, problem.physics
    if not isinstance(survey, SeismicSurvey) or not isinstance(physics, AcousticPhysics):
        raise TypeError("only acoustic simulations are counted")
    width = physics.pml_width
    nz, nx = reached_rows(problem) + (1 if physics.free_surface else 2) * width, problem.grid.nx + 2 * width
    courant = physics.courant_number or deepwave.DEFAULT_COURANT_NUMBER
    inner = math.ceil(stable_steps(problem, survey.dt, courant))
    difference = 3 * physics.accuracy // 2 + 1
    step = 2 * difference + 5
    return len(survey.sources) * survey.nt * inner * nz * nx * (2 * step + 2)
