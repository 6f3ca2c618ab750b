"""Simulation of pressure from velocity: the constant-density acoustic wave equation, solved by deepwave.

Invariant: the data of a model depend on that model and the problem alone. Time step, absorbing layer and stencil are
set by the problem, never by the batch.
"""

from __future__ import annotations

import deepwave
import torch
from torch import Tensor

from fwibench.errors import ProblemError
from fwibench.physics.placement import Placement, place
from fwibench.physics.wavelets import sample_wavelet
from fwibench.problem import AcousticPhysics, Problem, SeismicSurvey


def simulate(
    velocity: Tensor, problem: Problem, *, wavelet: Tensor | None = None, gradient_interval: int = 1
) -> Tensor:
    """Simulate the pressure recorded by every receiver for every source.

    The source term is that of OpenFWI, `v**2 w(t)` on one node without division by the area of a cell, so that
    amplitudes are comparable with those files; `source_scale` multiplies it. Positions between nodes are interpolated,
    and rows that no wave can reach and return from within the record are left out, see `fwibench.physics.placement`.

    Args:
        velocity: P velocity `(n, 1, Z, X)` [m/s]; differentiable.
        problem: Acoustic problem on the same grid.
        wavelet: Source wavelet `(T,)` before `source_scale`; None: that of the survey.
        gradient_interval: Number of time samples between the wavefields that the gradient sums; divides `nt`. A larger
            one saves memory and time, see `fwibench.physics.wavelets.gradient_interval`.

    Returns:
        Pressure `(n, S, T, R)` on the device of `velocity`.

    Raises:
        ProblemError: The problem is not acoustic, the shape differs from that of the problem, or a velocity exceeds
            `max_velocity`, above which the scheme is unstable.
    """
    survey, physics = problem.survey, problem.physics
    if not isinstance(survey, SeismicSurvey) or not isinstance(physics, AcousticPhysics):
        raise ProblemError(f"the problem has a survey of kind '{survey.kind}' and no acoustic physics to simulate with")
    problem.check_properties(tuple(velocity.shape))
    fastest = float(velocity.detach().abs().max())
    if not fastest <= physics.max_velocity:
        raise ProblemError(
            f"velocity reaches {fastest:.6g} m/s, the simulation is set up for at most {physics.max_velocity:.6g}",
            "clip the model, or raise max_velocity in the physics of the problem",
        )
    n, sources = len(velocity), len(survey.sources)
    placement = place(problem)
    model = _simulated(velocity[:, 0], placement)
    amplitude, at_source, at_receiver = _survey(survey, physics, placement, velocity, wavelet)
    recorded = deepwave.scalar(
        model.repeat_interleave(sources, 0) if n > 1 else model[0],
        problem.grid.spacing,
        survey.dt,
        source_amplitudes=amplitude.repeat(n, 1, 1),
        source_locations=at_source.repeat(n, 1, 1),
        receiver_locations=at_receiver.expand(sources, -1, -1).repeat(n, 1, 1),
        accuracy=physics.accuracy,
        pml_width=widths_of_frame(physics),
        boundary=["free", "pml", "pml", "pml"] if physics.free_surface else None,
        pml_freq=physics.pml_freq,
        max_vel=physics.max_velocity,
        courant_number=physics.courant_number,
        model_gradient_sampling_interval=gradient_interval,
    ).receiver_amplitudes
    recorded = recorded.reshape(n, sources, *recorded.shape[1:])
    if placement.receiver_weights is not None:
        recorded = torch.from_numpy(placement.receiver_weights).to(recorded) @ recorded
    return recorded.transpose(2, 3)


def widths_of_frame(physics: AcousticPhysics) -> int | list[int]:
    """Return the number of absorbing cells above, below, left and right; one number where all are equal."""
    width = physics.pml_width
    return [0, width, width, width] if physics.free_surface else width


def _simulated(velocity: Tensor, placement: Placement) -> Tensor:
    """Return the simulated rows of the models and the frame around them, `(n, Z, X)`."""
    part = velocity[:, : placement.rows]
    if not any(placement.frame):
        return part
    return torch.nn.functional.pad(part[:, None], placement.frame, mode="replicate")[:, 0]


def _survey(
    survey: SeismicSurvey, physics: AcousticPhysics, placement: Placement, like: Tensor, wavelet: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Return source amplitudes `(S, K, T)`, source nodes `(S, K, 2)`, receiver nodes `(P, 2)` or `(S, P, 2)`."""
    signal = torch.from_numpy(sample_wavelet(survey)) if wavelet is None else wavelet
    signal = -physics.source_scale * signal.to(like)
    weights = torch.from_numpy(placement.source_weights).to(like)
    at_source, at_receiver = (
        torch.from_numpy(nodes).to(like.device) for nodes in (placement.source_nodes, placement.receiver_nodes)
    )
    return weights[..., None] * signal, at_source, at_receiver
