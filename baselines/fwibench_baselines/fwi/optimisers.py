"""Optimisers of an inversion: Adam with a decreasing step, and SciPy's L-BFGS-B.

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
from fwibench_baselines.fwi.options import LAST_STEP, InversionOptions

Gradient = Callable[[Tensor, int], tuple[Array64, Tensor]]
"""Objectives `(n,)` and their gradients `(n, 1, Z, X)` for models `(n, 1, Z, X)` and the iteration, counted from 0."""
Note = Callable[[int, Array64], bool]
"""Records the objectives `(n,)` of an iteration, counted from 1; returns whether there is time for another one."""

DECAY = (0.9, 0.98)
"""Decay rates of Adam's running means; 0.98 instead of the usual 0.999 forgets the large first gradients of a band."""


class OutOfTimeError(Exception):
    """The time budget is spent; the argument holds the latest models."""


class Unknown(NamedTuple):
    """The variable of an optimisation, and how models depend on it.

    Attributes:
        start: Initial value `(n, ...)`.
        model: Returns the models `(n, 1, Z, X)` of a value.
        cost: Returns a term `(n,)` that depends on the value itself and is added to the objective of its models.
        limits: Lower and upper limit of every entry, broadcast to its shape.
    """

    start: Tensor
    model: Callable[[Tensor], Tensor]
    cost: Callable[[Tensor], Tensor]
    limits: tuple[Tensor, Tensor]


class AdamSettings(NamedTuple):
    """Settings of Adam.

    Attributes:
        iterations: Number of iterations.
        step: First step, in the unit of the variable.
        damping: Gradient below which an entry hardly changes.
    """

    iterations: int
    step: float
    damping: float


def minimise(gradient: Gradient, unknown: Unknown, options: InversionOptions, step: float, note: Note) -> Tensor:
    """Minimise with the optimiser that the options name and its settings.

    Args:
        gradient: See `Gradient`.
        unknown: The variable.
        options: Options of the inversion.
        step: First step of Adam, in the unit of the variable.
        note: See `Note`.

    Returns:
        The value found.

    Raises:
        OutOfTimeError: `note` returned False; holds the latest models.
    """
    if options.optimiser == "adam":
        return adam(gradient, unknown, AdamSettings(options.iterations, step, options.damping), note)
    return l_bfgs_b(gradient, unknown, options.iterations, note)


def adam(gradient: Gradient, unknown: Unknown, settings: AdamSettings, note: Note) -> Tensor:
    """Minimise by Adam; the step falls along a cosine, see `LAST_STEP`.

    Args:
        gradient: See `Gradient`.
        unknown: The variable; its value is clipped to its limits.
        settings: Settings of Adam.
        note: See `Note`.

    Returns:
        The value after the last iteration.

    Raises:
        OutOfTimeError: `note` returned False; holds the latest models.
    """
    values, iterations = unknown.start.clone().requires_grad_(), settings.iterations
    optimiser = torch.optim.Adam([values], lr=settings.step, betas=DECAY, eps=settings.damping)
    for iteration in range(iterations):
        part = 0.5 * (1 + math.cos(math.pi * iteration / iterations))
        optimiser.param_groups[0]["lr"] = settings.step * (LAST_STEP + (1 - LAST_STEP) * part)
        models = unknown.model(values)
        misfits, slope = gradient(models.detach().requires_grad_(), iteration)
        (values.grad,) = torch.autograd.grad((models * slope).sum() + unknown.cost(values).sum(), values)
        optimiser.step()
        with torch.no_grad():
            values.clamp_(*unknown.limits)
        if not note(iteration + 1, misfits):
            raise OutOfTimeError(unknown.model(values).detach())
    return values.detach()


def l_bfgs_b(gradient: Gradient, unknown: Unknown, iterations: int, note: Note) -> Tensor:
    """Minimise by SciPy's L-BFGS-B for one sample; the value is scaled by its limits to [-1, 1].

    Args:
        gradient: See `Gradient`.
        unknown: The variable of one sample; `cost` is not used.
        iterations: Largest number of evaluations.
        note: See `Note`; receives every evaluation.

    Returns:
        The value found.

    Raises:
        OutOfTimeError: `note` returned False; holds the latest models.
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
