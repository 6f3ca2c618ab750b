"""Misfits of simulated and observed traces, and penalties of maps: one number per sample.

Invariant: every misfit is 0 for equal traces and about 1 for uncorrelated ones.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

Misfit = Callable[[Tensor, Tensor], Tensor]
"""Misfit `(n,)` of simulated and observed traces, both `(n, S, T, R)`."""
TINY = 1e-12
"""Avoids divisions by zero."""


def l2(simulated: Tensor, observed: Tensor) -> Tensor:
    """Return the squared difference of traces `(n, S, T, R)` over the energy of the observed ones, `(n,)`."""
    return (simulated - observed).square().sum((1, 2, 3)) / (observed.square().sum((1, 2, 3)) + TINY)


def envelope(simulated: Tensor, observed: Tensor) -> Tensor:
    """Return `l2` of the envelopes of the traces, which suffer less from cycle skipping."""
    return l2(_envelope(simulated), _envelope(observed))


def correlation(simulated: Tensor, observed: Tensor) -> Tensor:
    """Return 1 minus the mean zero-lag correlation of traces of unit energy; missing traces are left out."""
    product = (simulated * observed).sum(2)
    energy = simulated.square().sum(2) * observed.square().sum(2)
    heard = observed.square().sum(2) > 0
    return ((1 - product / (energy + TINY**2).sqrt()) * heard).sum((1, 2)) / heard.sum((1, 2))


def _envelope(traces: Tensor) -> Tensor:
    """Return the magnitude of the analytic signal along time."""
    samples = traces.shape[2]
    spectrum = torch.fft.fft(traces, dim=2)
    weights = torch.zeros(samples, device=traces.device)
    weights[0] = 1.0
    weights[1 : (samples + 1) // 2] = 2.0
    if samples % 2 == 0:
        weights[samples // 2] = 1.0
    analytic = torch.fft.ifft(spectrum * weights[:, None], dim=2)
    # the square root has no derivative at zero
    return (analytic.real.square() + analytic.imag.square() + TINY).sqrt()


MISFITS: dict[str, Misfit] = {"l2": l2, "envelope": envelope, "correlation": correlation}


def decrease(maps: Tensor) -> Tensor:
    """Return the mean decrease from a node to the one below, for maps `(n, 1, Z, X)`; increases count as 0.

    One-sided total variation (Esser et al., 2016): the inside of a fast body, from which few waves return, is first
    assumed to be as fast as its top.
    """
    return (maps[:, :, :-1] - maps[:, :, 1:]).relu().mean((1, 2, 3))


def roughness(maps: Tensor, power: int) -> Tensor:
    """Return the mean absolute (power 1) or squared (2) difference of neighbouring nodes, for maps `(n, 1, Z, X)`."""
    down = (maps[:, :, 1:] - maps[:, :, :-1]).abs().pow(power).mean((1, 2, 3))
    along = (maps[..., 1:] - maps[..., :-1]).abs().pow(power).mean((1, 2, 3))
    return down + along


PENALTIES: tuple[Callable[[Tensor], Tensor], ...] = (partial(roughness, power=1), decrease, partial(roughness, power=2))
"""Total variation, decrease with depth, and squared gradient."""
