"""Assembly of a map from overlapping blocks (section 3.2)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from fwibench_invlint.layouts import Size


class Stitch(nn.Module):
    """Places blocks at the centres of their shares of the map and averages where they overlap.

    Parts outside of the map are dropped. Blocks are added along depth first, and the resulting strips along x, which
    takes one addition per row and column of blocks.

    Args:
        shape: Shape `(Z, X)` of the map.
        grid: Number of blocks along depth and x.
        block: Size of a block along depth and x.
    """

    average: Tensor

    def __init__(self, shape: Size, grid: Size, block: Size) -> None:
        super().__init__()
        self.shape, self.grid, self.block = shape, grid, block
        self.rows, self.columns = (_block_slices(*axis) for axis in zip(shape, grid, block, strict=True))
        self.register_buffer("average", torch.ones(shape), persistent=False)
        covered = self(torch.ones(1, math.prod(grid), math.prod(block)))[0, 0]
        self.average = 1.0 / covered.clamp(min=1.0)

    def forward(self, blocks: Tensor) -> Tensor:
        """Return maps `(n, 1, Z, X)` of blocks `(n, tokens, nodes of a block)`."""
        blocks = blocks.view(-1, *self.grid, *self.block)
        strips = blocks.new_zeros(len(blocks), self.grid[1], self.shape[0], self.block[1])
        for number, (covered, inner) in enumerate(self.rows):
            strips[:, :, covered] += blocks[:, number, :, inner]
        maps = blocks.new_zeros(len(blocks), 1, *self.shape)
        for number, (covered, inner) in enumerate(self.columns):
            maps[:, 0, :, covered] += strips[:, number, :, inner]
        return maps * self.average


def _block_slices(length: int, blocks: int, size: int) -> list[tuple[slice, slice]]:
    """Return for each block along one axis the nodes of the map that it covers, and their indices in the block."""
    found = []
    for number in range(blocks):
        start = round((number + 0.5) * length / blocks - size / 2)
        first, last = max(start, 0), min(start + size, length)
        found.append((slice(first, last), slice(first - start, last - start)))
    return found
