"""Velocity to pressure: the constant-density acoustic wave equation on deepwave.

Invariant: a model's data depend on that model and the problem alone. Time step, absorbing layer and
stencil come from the problem, never from the batch.
"""

from __future__ import annotations

import deepwave
import torch
from torch import Tensor

from fwibench.errors import ProblemError
from fwibench.physics.wavelets import sample_wavelet
from fwibench.problem import AcousticPhysics, Grid, Point, Problem, SeismicSurvey


def simulate(velocity: Tensor, problem: Problem) -> Tensor:
    """Pressure recorded by every receiver for every source.

    The source enters as OpenFWI has it, `v**2 w(t)` on one node without division by the cell's area,
    so amplitudes compare with those files. Places off the grid are interpolated by deepwave
    (Kaiser-windowed sinc). All shots of all models go in one call.

    Args:
        velocity: P velocity [m/s], `(n, 1, Z, X)`; gradients flow back to it.
        problem: Acoustic problem on the same grid.

    Returns:
        Pressure `(n, S, T, R)` on the device of `velocity`.

    Raises:
        ProblemError: The problem is not acoustic, the shape is not the problem's, or a velocity lies above
            `max_velocity`, which would make the scheme unstable.
    """
    survey, physics = problem.survey, problem.physics
    if not isinstance(survey, SeismicSurvey) or not isinstance(physics, AcousticPhysics):
        raise ProblemError(f"the problem has a survey of kind '{survey.kind}' and no acoustic physics to simulate with")
    problem.check_properties(tuple(velocity.shape))
    fastest = float(velocity.detach().abs().max())
    if not fastest <= physics.max_velocity:
        raise ProblemError(
            f"velocity reaches {fastest:.6g} m/s, the simulation is set up for at most {physics.max_velocity:.6g}",
            "clip the model, or raise max_velocity in the problem's physics",
        )
    n, sources = len(velocity), len(survey.sources)
    amplitude = -torch.from_numpy(sample_wavelet(survey)).to(velocity)
    at_source = _nodes(survey.sources, problem.grid).to(velocity.device)[:, None, :]
    at_receiver = _nodes(survey.receivers, problem.grid).to(velocity.device).expand(sources, -1, -1)
    recorded = deepwave.scalar(
        velocity.repeat_interleave(sources, 0)[:, 0] if n > 1 else velocity[0, 0],
        problem.grid.spacing,
        survey.dt,
        source_amplitudes=amplitude.expand(n * sources, 1, -1),
        source_locations=at_source.repeat(n, 1, 1),
        receiver_locations=at_receiver.repeat(n, 1, 1),
        accuracy=physics.accuracy,
        pml_width=physics.pml_width,
        pml_freq=physics.pml_freq,
        max_vel=physics.max_velocity,
    ).receiver_amplitudes
    return recorded.reshape(n, sources, len(survey.receivers), survey.nt).transpose(2, 3)


def _nodes(points: tuple[Point, ...], grid: Grid) -> Tensor:
    """Places as grid coordinates `(n, 2)`: (row, column), whole numbers where they lie on nodes."""
    nodes = torch.tensor([[point.z, point.x] for point in points], dtype=torch.float64) / grid.spacing
    whole = nodes.round()
    return whole.long() if torch.allclose(nodes, whole, atol=1e-6, rtol=0) else nodes.float()
