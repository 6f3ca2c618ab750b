"""What is minimised: the difference of simulated and observed traces, and penalties of maps, a number a sample.

Invariant: every misfit is 0 for equal traces and about 1 where the simulation explains nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

Misfit = Callable[[Tensor, Tensor], Tensor]
TINY = 1e-12


def l2(simulated: Tensor, observed: Tensor) -> Tensor:
    """Squared difference over the observed energy; `(n, S, T, R)` to `(n,)`."""
    return (simulated - observed).square().sum((1, 2, 3)) / (observed.square().sum((1, 2, 3)) + TINY)


def envelope(simulated: Tensor, observed: Tensor) -> Tensor:
    """As `l2`, of the traces' envelopes, which do not cycle-skip as the traces do."""
    return l2(_envelope(simulated), _envelope(observed))


def correlation(simulated: Tensor, observed: Tensor) -> Tensor:
    """1 less the zero-lag correlation of traces brought to unit energy, averaged over the traces."""
    product = (simulated * observed).sum(2)
    energy = simulated.square().sum(2) * observed.square().sum(2)
    heard = observed.square().sum(2) > 0
    return ((1 - product / (energy + TINY**2).sqrt()) * heard).sum((1, 2)) / heard.sum((1, 2))


def _envelope(traces: Tensor) -> Tensor:
    """Magnitude of the analytic signal along time."""
    samples = traces.shape[2]
    spectrum = torch.fft.fft(traces, dim=2)
    weights = torch.zeros(samples, device=traces.device)
    weights[0] = 1.0
    weights[1 : (samples + 1) // 2] = 2.0
    if samples % 2 == 0:
        weights[samples // 2] = 1.0
    analytic = torch.fft.ifft(spectrum * weights[:, None], dim=2)
    # the square root has no slope at zero
    return (analytic.real.square() + analytic.imag.square() + TINY).sqrt()


MISFITS: dict[str, Misfit] = {"l2": l2, "envelope": envelope, "correlation": correlation}


def decrease(maps: Tensor) -> Tensor:
    """Mean decrease from a node to the one below, `(n, 1, Z, X)` to `(n,)`; increases cost nothing.

    One-sided total variation (Esser et al., 2016): what lies under the top of a fast body, which few waves
    come back from, is first taken to be as fast.
    """
    return (maps[:, :, :-1] - maps[:, :, 1:]).relu().mean((1, 2, 3))


def roughness(maps: Tensor, power: int) -> Tensor:
    """Mean absolute (1) or squared (2) difference of neighbouring nodes; `(n, 1, Z, X)` to `(n,)`."""
    down = (maps[:, :, 1:] - maps[:, :, :-1]).abs().pow(power).mean((1, 2, 3))
    along = (maps[..., 1:] - maps[..., :-1]).abs().pow(power).mean((1, 2, 3))
    return down + along


PENALTIES: tuple[Callable[[Tensor], Tensor], ...] = (partial(roughness, power=1), decrease, partial(roughness, power=2))
"""Total variation, decreases with depth, squared gradient."""
