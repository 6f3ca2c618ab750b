"""Bending of a start model by a smooth displacement, before its nodes are changed.

A prediction often has correct bodies at slightly wrong positions. A displacement that moves the top of a body, which
waves illuminate, also corrects its sides and bottom, where updates of nodes have no effect.

Invariant: a zero displacement changes nothing, and values of a bent map are interpolated between neighbouring nodes.
"""

from __future__ import annotations

import math
from typing import Protocol

import torch
from torch import Tensor
from torch.nn.functional import grid_sample, interpolate


class Deformation(Protocol):
    """A change of maps that a few numbers describe.

    Attributes:
        rest: Numbers `(n, ...)` of no change.
        step: First step of Adam in every band [unit of the numbers].
    """

    rest: Tensor
    step: float

    def bend(self, values: Tensor) -> Tensor:
        """Return changed maps `(n, 1, Z, X)` for numbers of the shape of `rest`."""

    def strain(self, values: Tensor) -> Tensor:
        """Return a measure of the change `(n,)` that is penalised; 0 at rest."""


class Warp:
    """A displacement of maps, given at control points.

    Args:
        maps: Maps `(n, 1, Z, X)`.
        points: Number of control points along the longer side; along the other side they are equally dense.

    Attributes:
        spacing: Distance of neighbouring control points [cells].
        rest: Zero displacement `(n, 2, points along depth, points along x)`.
        step: First step of Adam in every band [cells].
    """

    step = 0.3

    def __init__(self, maps: Tensor, points: int) -> None:
        self._maps, self._shape = maps, tuple(maps.shape[2:])
        self.spacing = (max(self._shape) - 1) / (points - 1)
        counts = (max(math.ceil((n - 1) / self.spacing) + 1, 2) for n in self._shape)
        self.rest = torch.zeros(len(maps), 2, *counts, device=maps.device)
        self._nodes = torch.stack(torch.meshgrid(*(torch.arange(float(n)) for n in self._shape), indexing="ij"))

    def bend(self, displacement: Tensor) -> Tensor:
        """Return bent maps `(n, 1, Z, X)`.

        Args:
            displacement: Offset along depth and x of the position from which a node takes its value [cells]; has the
                shape of `rest`.
        """
        between = interpolate(displacement, size=self._shape, mode="bicubic", align_corners=True)
        ends = torch.tensor(self._shape, device=between.device).view(2, 1, 1) - 1
        places = 2 * (self._nodes.to(between.device) + between) / ends - 1
        places = places.flip(1).permute(0, 2, 3, 1)
        return grid_sample(self._maps, places, mode="bilinear", padding_mode="border", align_corners=True)

    def strain(self, displacement: Tensor) -> Tensor:
        """Return the mean squared strain `(n,)` of a displacement; it is 0 for a translation."""
        steps = (displacement.diff(dim=axis) / self.spacing for axis in (2, 3))
        return torch.stack([step.square().mean((1, 2, 3)) for step in steps]).sum(0)
