"""Shots of one sample, simulated side by side.

Invariant: on a CPU every shot is a simulation of its own, and gradients are added in the order of the shots, so the
result does not depend on the number of threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from typing import Any

import torch
from torch import Tensor

from fwibench.physics.acoustic import simulate
from fwibench.problem import Problem, SeismicSurvey

Shots = tuple[int, ...]
Each = Callable[[Callable[[int], Any], Iterable[int]], Iterable[Any]]
"""Applies a function to numbers as `map` does; in threads, if it is the `map` of a pool."""


@lru_cache(maxsize=64)
def with_shots(problem: Problem, shots: Shots) -> Problem:
    """Return the problem with some of its shots only."""
    if not isinstance(problem.survey, SeismicSurvey):
        raise TypeError("only seismic surveys have shots")
    return problem.model_copy(update={"survey": problem.survey.with_shots(shots)})


def simulate_shots(
    velocity: Tensor, problem: Problem, shots: Shots, source: Tensor, interval: int, each: Each | None
) -> Tensor:
    """Pressure of some shots, differentiable.

    Args:
        velocity: `(n, 1, Z, X)`.
        problem: Of all shots.
        shots: Which, in the order of the result.
        source: Wavelet `(T,)`.
        interval: As `gradient_interval` of `simulate`.
        each: Runs single shots; None for all shots in one call, as is best on a GPU.

    Returns:
        `(n, len(shots), T, R)`.
    """
    if each is None:
        return simulate(velocity, with_shots(problem, shots), wavelet=source, gradient_interval=interval)
    one = partial(_one, problem=problem, source=source, interval=interval)
    recorded: Tensor = _Apart.apply(velocity, shots, one, each)  # type: ignore[no-untyped-call]
    return recorded


def _one(velocity: Tensor, shot: int, problem: Problem, source: Tensor, interval: int) -> Tensor:
    return simulate(velocity, with_shots(problem, (shot,)), wavelet=source, gradient_interval=interval)


class _Apart(torch.autograd.Function):
    """A simulation of every shot by itself, forward and backward."""

    @staticmethod
    def forward(ctx: Any, velocity: Tensor, shots: Shots, one: Callable[[Tensor, int], Tensor], each: Each) -> Tensor:
        needed = ctx.needs_input_grad[0]

        def run(shot: int) -> tuple[Tensor, Tensor]:
            # grad mode belongs to the thread
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
