"""Assembly of a map from overlapping blocks (section 3.2)."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from fwibench_invlint.layouts import Size

Slices = list[tuple[slice, slice]]
"""For each block along one axis the nodes of the map that it covers, and their indices in the block."""


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
        maps: Tensor = _OverlapAdd.apply(blocks, self.shape, self.rows, self.columns)  # type: ignore[no-untyped-call]
        return maps * self.average


class _OverlapAdd(torch.autograd.Function):
    """Sum of blocks at their positions.

    Its gradient copies every part of a map once. Autograd would copy the whole gradient for each row and column of
    blocks, which took three quarters of a training step on kimberlina-reservoir.
    """

    @staticmethod
    def forward(ctx: Any, blocks: Tensor, shape: Size, rows: Slices, columns: Slices) -> Tensor:
        """Return maps `(n, 1, Z, X)` of blocks `(n, rows, columns, height, width)`."""
        ctx.rows, ctx.columns, ctx.size = rows, columns, blocks.shape
        strips = blocks.new_zeros(len(blocks), len(columns), shape[0], blocks.shape[4])
        for number, (covered, inner) in enumerate(rows):
            strips[:, :, covered] += blocks[:, number, :, inner]
        maps = blocks.new_zeros(len(blocks), 1, *shape)
        for number, (covered, inner) in enumerate(columns):
            maps[:, 0, :, covered] += strips[:, number, :, inner]
        return maps

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None, None]:
        """Return the gradient with respect to the blocks."""
        strips = gradient.new_zeros(len(gradient), len(ctx.columns), gradient.shape[2], ctx.size[4])
        for number, (covered, inner) in enumerate(ctx.columns):
            strips[:, number, :, inner] = gradient[:, 0, :, covered]
        blocks = gradient.new_zeros(ctx.size)
        for number, (covered, inner) in enumerate(ctx.rows):
            blocks[:, number, :, inner] = strips[:, :, covered]
        return blocks, None, None, None


def _block_slices(length: int, blocks: int, size: int) -> Slices:
    """Return the slices of the blocks along one axis."""
    found = []
    for number in range(blocks):
        start = round((number + 0.5) * length / blocks - size / 2)
        first, last = max(start, 0), min(start + size, length)
        found.append((slice(first, last), slice(first - start, last - start)))
    return found
