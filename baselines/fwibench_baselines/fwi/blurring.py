"""A Gaussian blur that gradients flow through."""

from __future__ import annotations

import math
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn.functional import conv2d, pad

REACH = 3.0
"""Standard deviations after which the Gaussian is cut off."""


def blurred(maps: Tensor, width: float) -> Tensor:
    """Maps `(n, 1, Z, X)` blurred by a Gaussian of standard deviation `width` [cells]; edges are continued."""
    half = math.ceil(REACH * width)
    if width < 0.25:
        return maps
    kernel = _kernel(width, half).to(maps)
    along = conv2d(pad(maps, (half, half, 0, 0), mode="replicate"), kernel.view(1, 1, 1, -1))
    return conv2d(pad(along, (0, 0, half, half), mode="replicate"), kernel.view(1, 1, -1, 1))


@lru_cache(maxsize=16)
def _kernel(width: float, half: int) -> Tensor:
    places = torch.arange(-half, half + 1, dtype=torch.float64)
    weights = torch.exp(-0.5 * (places / width).square())
    return weights / weights.sum()
