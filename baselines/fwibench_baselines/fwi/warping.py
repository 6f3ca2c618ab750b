"""A start that is bent before its nodes are changed.

A prediction often has the right bodies in slightly wrong places. Moved by a smooth displacement, a body that
waves see at its top comes right at its sides and below, where no update of nodes reaches.

Invariant: no displacement, no change; every value of a bent map is one of the map or between neighbours of it.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import grid_sample, interpolate


class Warp:
    """Maps under a displacement that control points give.

    Args:
        maps: `(n, 1, Z, X)`.
        points: Control points along the longer side; as dense along the other.
    """

    def __init__(self, maps: Tensor, points: int) -> None:
        self._maps, self._shape = maps, tuple(maps.shape[2:])
        self.spacing = (max(self._shape) - 1) / (points - 1)
        counts = (max(math.ceil((n - 1) / self.spacing) + 1, 2) for n in self._shape)
        self.rest = torch.zeros(len(maps), 2, *counts, device=maps.device)
        self._nodes = torch.stack(torch.meshgrid(*(torch.arange(float(n)) for n in self._shape), indexing="ij"))

    def bend(self, displacement: Tensor) -> Tensor:
        """Bent maps `(n, 1, Z, X)`.

        Args:
            displacement: Down and along, from where each node takes its value [cells], as `rest`.
        """
        between = interpolate(displacement, size=self._shape, mode="bicubic", align_corners=True)
        ends = torch.tensor(self._shape, device=between.device).view(2, 1, 1) - 1
        places = 2 * (self._nodes.to(between.device) + between) / ends - 1
        places = places.flip(1).permute(0, 2, 3, 1)
        return grid_sample(self._maps, places, mode="bilinear", padding_mode="border", align_corners=True)

    def strain(self, displacement: Tensor) -> Tensor:
        """Mean squared strain, a number a sample; a shift of the whole has none."""
        steps = (displacement.diff(dim=axis) / self.spacing for axis in (2, 3))
        return torch.stack([step.square().mean((1, 2, 3)) for step in steps]).sum(0)
