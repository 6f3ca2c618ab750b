"""Cost model of waveform inversions: samples x iterations x shots x cells x time steps.

Planning imports this module, so it imports nothing heavy.
"""

from __future__ import annotations

import math
import time

from fwibench.methods.costs import Case, CostModel, Probing, Work
from fwibench.physics.placement import reached_rows
from fwibench.problem import Problem, acoustic_physics, seismic_survey
from fwibench_baselines.fwi.grids import coarse_grid, coarseness
from fwibench_baselines.fwi.options import CHECKED, FEWEST_SHOTS, InversionOptions, corners_of

FORWARD = 1 / 3
"""Time of a simulation over that of a gradient, which simulates, propagates back and correlates."""
SEARCHED = 120
"""Models that the search for a linear increase simulates: a grid of 49 and two descents of up to 40."""
SEARCHED_SHOTS = 3
"""Shots that the search simulates of each model."""
PART = 4
"""Share of the record that a probe simulates is one over this number."""


class InversionCosts(CostModel):
    """Times of waveform inversions on a CPU, where every sample, or every shot of a few samples, has its own core."""

    free = frozenset(InversionOptions.model_fields) - {"optimiser", "wavelet", "accuracy", "seconds"}
    any_problem = True

    def work(self, case: Case) -> Work:
        """Return the number of train samples, and cells x time steps x gradients of all test samples."""
        return Work(case.sizes.train, case.sizes.test * gradients(case) * _size(case.problem))

    def probe(self, probing: Probing) -> Work | None:
        """Return the times of the case [s] from the gradient of a part of one shot, simulated by one thread.

        The time of averaging the train maps is not included: it is below a thousandth of that of the inversions.
        """
        if probing.device != "cpu":
            return None
        case = probing.case
        per_gradient = _time_gradient(case)
        sample = gradients(case) * per_gradient
        if case.options.seconds is not None:
            sample = min(sample, case.options.seconds)
        shots = min(case.options.shots or math.inf, len(case.problem.survey.sources))
        return Work(0.0, case.sizes.test * sample / min(probing.cores, case.sizes.test * shots))


def gradients(case: Case) -> float:
    """Return the number of gradients of a shot for one sample, each as one on the grid of the data.

    Simulations count `FORWARD` of a gradient each.
    """
    options, survey = case.options, seismic_survey(case.problem)
    shots = len(survey.sources)
    corners = corners_of(options.bands, survey.wavelet.frequency)
    held_out = options.holdout if shots >= max(FEWEST_SHOTS, options.holdout + 2) else 0
    drawn = min(options.shots or shots, shots) if options.optimiser == "adam" else shots
    checks = 2 + (math.ceil(options.iterations / CHECKED) if options.stop == "held-out" else 0)
    judged = FORWARD * (shots + checks * held_out)
    searched = FORWARD * SEARCHED * SEARCHED_SHOTS if getattr(options, "start", "") == "gradient" else 0.0
    sizes = [_size(coarse_grid(case.problem, coarseness(case.problem, corner, options.nodes))) for corner in corners]
    shares = [size / _size(case.problem) for size in sizes]
    return sum(shares) * ((options.warp + options.iterations) * drawn + judged) + shares[0] * searched


def _size(problem: Problem) -> float:
    """Return cells x time steps of a shot, up to a factor: the number of stable steps per cell size."""
    survey, physics = seismic_survey(problem), acoustic_physics(problem)
    return _cells(problem) * physics.max_velocity * survey.nt * survey.dt / problem.grid.spacing


def _cells(problem: Problem) -> int:
    """Return the number of cells that are simulated, with those of the absorbing frame."""
    physics = acoustic_physics(problem)
    width = physics.pml_width
    return (reached_rows(problem) + (1 if physics.free_surface else 2) * width) * (problem.grid.nx + 2 * width)


def _time_gradient(case: Case) -> float:
    """Return the time of the gradient of one shot on one thread [s]."""
    import torch

    from fwibench.physics.acoustic import simulate
    from fwibench.physics.wavelets import gradient_interval
    from fwibench_baselines.fwi.discretisation import inversion_problem

    whole = inversion_problem(case.problem, case.options.accuracy)
    survey = seismic_survey(whole)
    interval = gradient_interval(survey, None)
    samples = interval * max(survey.nt // PART // interval, 1)
    one = survey.with_shots([len(survey.sources) // 2]).model_copy(update={"nt": samples})
    part = whole.model_copy(update={"survey": one})
    bounds = whole.property
    velocity = torch.full((1, *whole.property_shape), (bounds.low + bounds.high) / 2, requires_grad=True)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        took = []
        for _ in range(2):
            start = time.perf_counter()
            simulate(velocity, part, gradient_interval=interval).square().sum().backward()  # type: ignore[no-untyped-call]
            took.append(time.perf_counter() - start)
    finally:
        torch.set_num_threads(threads)
    return min(took) * survey.nt * _cells(whole) / (samples * _cells(part))
