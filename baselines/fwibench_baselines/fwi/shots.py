"""Parallel simulation of the shots of a sample.

Invariant: on a CPU every shot is a separate simulation, and gradients are added in the order of the shots, so that the
result does not depend on the number of threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from typing import Any

import torch
from torch import Tensor

from fwibench.physics.acoustic import simulate
from fwibench.problem import Problem, seismic_survey

Shots = tuple[int, ...]
"""Numbers of shots."""
Each = Callable[[Callable[[int], Any], Iterable[int]], Iterable[Any]]
"""Applies a function to each shot: `map`, or the `map` of a thread pool."""


@lru_cache(maxsize=64)
def with_shots(problem: Problem, shots: Shots) -> Problem:
    """Return the problem with the given shots only; raises `TypeError` for a survey without shots."""
    return problem.model_copy(update={"survey": seismic_survey(problem).with_shots(shots)})


def simulate_shots(
    velocity: Tensor, problem: Problem, shots: Shots, source: Tensor, interval: int, each: Each | None
) -> Tensor:
    """Simulate the pressure of some shots; differentiable.

    Args:
        velocity: Models `(n, 1, Z, X)` [m/s].
        problem: Problem of all shots.
        shots: Shots to simulate, in the order of the result.
        source: Wavelet `(T,)`.
        interval: See `gradient_interval` of `fwibench.physics.acoustic.simulate`.
        each: Applies a function to each shot; None: all shots in one call, which is fastest on a GPU.

    Returns:
        Pressure `(n, len(shots), T, R)`.
    """
    if each is None:
        return simulate(velocity, with_shots(problem, shots), wavelet=source, gradient_interval=interval)
    one = partial(_one, problem=problem, source=source, interval=interval)
    recorded: Tensor = _SeparateShots.apply(velocity, shots, one, each)  # type: ignore[no-untyped-call]
    return recorded


def _one(velocity: Tensor, shot: int, problem: Problem, source: Tensor, interval: int) -> Tensor:
    return simulate(velocity, with_shots(problem, (shot,)), wavelet=source, gradient_interval=interval)


class _SeparateShots(torch.autograd.Function):
    """Simulates every shot separately, forward and backward."""

    @staticmethod
    def forward(ctx: Any, velocity: Tensor, shots: Shots, one: Callable[[Tensor, int], Tensor], each: Each) -> Tensor:
        needed = ctx.needs_input_grad[0]

        def run(shot: int) -> tuple[Tensor, Tensor]:
            # the grad mode is set per thread
            with torch.set_grad_enabled(needed):
                model = velocity.detach().requires_grad_(needed)
                return model, one(model, shot)

        ctx.pairs, ctx.each = list(each(run, shots)), each
        return torch.cat([recorded.detach() for _, recorded in ctx.pairs], 1)

    @staticmethod
    def backward(ctx: Any, *slopes: Tensor) -> tuple[Tensor, None, None, None]:
        def run(number: int) -> Tensor:
            model, recorded = ctx.pairs[number]
            return torch.autograd.grad(recorded, model, slopes[0][:, number : number + 1])[0]

        total, *others = ctx.each(run, range(len(ctx.pairs)))
        for other in others:
            total = total + other
        return total, None, None, None
