"""How a model is updated: Adam with a decreasing step, and SciPy's L-BFGS-B.

Invariant: Adam is elementwise, so samples of a batch are updated independently of each other.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Tensor

from fwibench.typing import Array64

Step = Callable[[Tensor, int], tuple[Array64, Tensor]]
"""Objectives `(n,)` and gradients of models `(n, 1, Z, X)`, for the number of the iteration."""
Note = Callable[[int, Array64], bool]
"""Notes the objectives of an iteration, counted from 1; returns whether there is time for another one."""

DECAY = (0.9, 0.98)
"""Of Adam's means; the second forgets the large gradients of a band's beginning."""


class OutOfTimeError(Exception):
    """The budget is spent; the argument is the latest model."""


class Unknown(NamedTuple):
    """What Adam looks for, and the models that it stands for.

    Attributes:
        start: `(n, ...)`.
        model: Models `(n, 1, Z, X)` of a value.
        cost: Of a value, a number a sample, beside the objective of its models.
        limits: Of every entry; broadcast to it.
        step: Adam's first.
        damping: Slope below which an entry hardly moves.
    """

    start: Tensor
    model: Callable[[Tensor], Tensor]
    cost: Callable[[Tensor], Tensor]
    limits: tuple[Tensor, Tensor]
    step: float
    damping: float


def adam(gradient: Step, unknown: Unknown, iterations: int, note: Note) -> Tensor:
    """Minimise by Adam with a cosine course of the step, from the first to a quarter of it.

    Args:
        gradient: Objectives and their gradients for models and the number of the iteration, from 0.
        unknown: What is sought; values are clipped to its limits.
        iterations: How many.
        note: Receives every iteration.

    Returns:
        The value after the last iteration.

    Raises:
        OutOfTimeError: `note` returned False; holds the models of that moment.
    """
    values, step = unknown.start.clone().requires_grad_(), unknown.step
    optimiser = torch.optim.Adam([values], lr=step, betas=DECAY, eps=unknown.damping)
    for iteration in range(iterations):
        part = 0.5 * (1 + math.cos(math.pi * iteration / iterations))
        optimiser.param_groups[0]["lr"] = step * (0.25 + 0.75 * part)
        models = unknown.model(values)
        misfits, slope = gradient(models.detach().requires_grad_(), iteration)
        (values.grad,) = torch.autograd.grad((models * slope).sum() + unknown.cost(values).sum(), values)
        optimiser.step()
        with torch.no_grad():
            values.clamp_(*unknown.limits)
        if not note(iteration + 1, misfits):
            raise OutOfTimeError(unknown.model(values).detach())
    return values.detach()


def l_bfgs_b(gradient: Step, unknown: Unknown, iterations: int, note: Note) -> Tensor:
    """Minimise by SciPy's L-BFGS-B for one sample; values are scaled by their limits to [-1, 1].

    Args:
        gradient: As of `adam`.
        unknown: What is sought; `cost`, `step` and `damping` are not used.
        iterations: Evaluations at most.
        note: Receives every evaluation.

    Returns:
        The value that was found.

    Raises:
        OutOfTimeError: `note` returned False; holds the models of that moment.
    """
    low, high = (limit.expand_as(unknown.start) for limit in unknown.limits)
    half, done = (high - low) / 2, 0

    def value_of(flat: Array64) -> Tensor:
        scaled = torch.from_numpy(flat.astype(np.float32)).view_as(unknown.start).to(unknown.start.device)
        return (scaled + 1) * half + low

    def evaluate(flat: Array64) -> tuple[float, Array64]:
        nonlocal done
        values = value_of(flat).requires_grad_()
        models = unknown.model(values)
        misfits, slope = gradient(models.detach().requires_grad_(), done)
        (own,) = torch.autograd.grad((models * slope).sum(), values)
        done += 1
        if not note(done, misfits):
            raise OutOfTimeError(models.detach())
        return float(misfits[0]), (own * half).double().cpu().numpy().ravel()

    start = ((unknown.start - low) / half - 1).clamp(-1, 1).double().cpu().numpy().ravel()
    options: Any = {"maxfun": iterations, "maxiter": iterations}
    found = minimize(evaluate, start, jac=True, method="L-BFGS-B", bounds=[(-1, 1)] * len(start), options=options)
    return value_of(found.x)
