"""Overlapping blocks to one map (section 3.2)."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

Size = tuple[int, int]

PUBLISHED_LAYOUTS: dict[Size, tuple[Size, Size]] = {
    (70, 70): ((2, 2), (37, 37)),
    (40, 60): ((1, 2), (49, 39)),
    (401, 141): ((12, 4), (38, 38)),
}
"""Token grids and block sizes that meet the paper's parameter counts, by shape of the map."""


def layout(shape: Size) -> tuple[Size, Size]:
    """Tokens along depth and x, and the size of the block that each becomes.

    Where nothing is published: the map's size downsampled 32 times, and a token's share of the map and 5
    nodes more.
    """
    if shape in PUBLISHED_LAYOUTS:
        return PUBLISHED_LAYOUTS[shape]
    h, w = (max(round(length / 32), 1) for length in shape)
    return (h, w), (math.ceil(shape[0] / h) + 5, math.ceil(shape[1] / w) + 5)


class Stitch(nn.Module):
    """Lays blocks side by side, centred on their shares of the map, and averages where they overlap.

    Every node gathers from the blocks that cover it; what reaches beyond the map is dropped.

    Args:
        shape: `(Z, X)` of the map.
        grid: Blocks along depth and x.
        block: Size of a block.
    """

    sources: Tensor
    weights: Tensor

    def __init__(self, shape: Size, grid: Size, block: Size) -> None:
        super().__init__()
        self.shape = shape
        count = np.zeros(shape, int)
        places = [_places(*axis) for axis in zip(shape, grid, block, strict=True)]
        depth = math.prod(max(np.bincount(np.concatenate([p[0] for p in axis]))) for axis in places)
        sources = np.zeros((depth, *shape), int)
        weights = np.zeros((depth, *shape), np.float32)
        entries = np.arange(math.prod(grid) * math.prod(block)).reshape(*grid, *block)
        for i, (rows, inner_rows) in enumerate(places[0]):
            for j, (columns, inner_columns) in enumerate(places[1]):
                nodes = np.ix_(rows, columns)
                layer = count[nodes], *np.meshgrid(rows, columns, indexing="ij")
                sources[layer] = entries[i, j][np.ix_(inner_rows, inner_columns)]
                weights[layer] = 1.0
                count[nodes] += 1
        weights /= np.maximum(count, 1)
        self.register_buffer("sources", torch.from_numpy(sources.reshape(depth, -1)), persistent=False)
        self.register_buffer("weights", torch.from_numpy(weights.reshape(depth, -1)), persistent=False)

    def forward(self, blocks: Tensor) -> Tensor:
        """`(n, tokens, block)` to `(n, 1, Z, X)`."""
        flat = blocks.flatten(1)
        parts = [flat[:, index] * weight for index, weight in zip(self.sources, self.weights, strict=True)]
        return torch.stack(parts).sum(0).view(-1, 1, *self.shape)


def _places(length: int, blocks: int, size: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """For each block along one axis, the nodes of the map it covers and where they lie in the block."""
    found = []
    for number in range(blocks):
        start = round((number + 0.5) * length / blocks - size / 2)
        covered = np.arange(max(start, 0), min(start + size, length))
        found.append((covered, covered - start))
    return found
