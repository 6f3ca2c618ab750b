"""The decoder of section 3.2: L1, transformer blocks, Lr, and overlapping blocks stitched to a map."""

from __future__ import annotations

import math

import numpy as np
import torch
from torch import Tensor, nn

PUBLISHED_LAYOUTS = {
    (70, 70): ((2, 2), (37, 37)),
    (40, 60): ((1, 2), (49, 39)),
    (401, 141): ((12, 4), (38, 38)),
}
"""Token grids and block sizes that meet the paper's parameter counts, by shape of the map."""


def layout(shape: tuple[int, int]) -> tuple[tuple[int, int], tuple[int, int]]:
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
    """

    sources: Tensor
    weights: Tensor

    def __init__(self, shape: tuple[int, int], grid: tuple[int, int], block: tuple[int, int]) -> None:
        super().__init__()
        self.shape = shape
        count = np.zeros(shape, int)
        depth = 4
        sources = np.zeros((depth, *shape), int)
        weights = np.zeros((depth, *shape), np.float32)
        entries = np.arange(math.prod(grid) * math.prod(block)).reshape(*grid, *block)
        for i, j in np.ndindex(*grid):
            rows, inner_rows = _placed(i, grid[0], shape[0], block[0])
            columns, inner_columns = _placed(j, grid[1], shape[1], block[1])
            for z, block_z in zip(rows, inner_rows, strict=True):
                for x, block_x in zip(columns, inner_columns, strict=True):
                    sources[count[z, x], z, x] = entries[i, j, block_z, block_x]
                    weights[count[z, x], z, x] = 1.0
                    count[z, x] += 1
        used = int(count.max())
        self.register_buffer("sources", torch.from_numpy(sources[:used].reshape(used, -1)), persistent=False)
        self.register_buffer(
            "weights", torch.from_numpy((weights[:used] / count).astype(np.float32).reshape(used, -1)), persistent=False
        )

    def forward(self, blocks: Tensor) -> Tensor:
        """`(n, tokens, block)` to `(n, 1, Z, X)`."""
        flat = blocks.flatten(1)
        parts = [flat[:, index] * weight for index, weight in zip(self.sources, self.weights, strict=True)]
        return torch.stack(parts).sum(0).view(-1, 1, *self.shape)


def _placed(token: int, tokens: int, length: int, block: int) -> tuple[range, range]:
    """Nodes of the map that a token's block covers along one axis, and where they lie in the block."""
    start = round((token + 0.5) * length / tokens - block / 2)
    first, last = max(start, 0), min(start + block, length)
    return range(first, last), range(first - start, last - start)


class TransformerDecoder(nn.Module):
    """Y to a normalised map.

    Args:
        embedding: Length of Y (M).
        shape: `(Z, X)` of the map.
        width: Channels of a token.
        heads: Attention heads.
        mlp: Hidden units of the MLP.
        layers: Transformer blocks.
    """

    def __init__(
        self, embedding: int, shape: tuple[int, int], *, width: int, heads: int, mlp: int, layers: int
    ) -> None:
        super().__init__()
        grid, block = layout(shape)
        tokens = math.prod(grid)
        self.tokens = tokens
        channels = 4 * math.ceil(512 / (4 * tokens))
        self.compress = nn.Linear(embedding, tokens * channels)
        self.embed = nn.Linear(channels, width)
        self.positions = nn.Parameter(0.02 * torch.randn(tokens, width))
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(
                width, heads, mlp, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
            )
            for _ in range(layers)
        )
        self.expand = nn.Linear(width, math.prod(block))
        self.stitch = Stitch(shape, grid, block)

    def forward(self, y: Tensor) -> Tensor:
        """`(n, M)` to `(n, 1, Z, X)`."""
        tokens = self.compress(y).unflatten(1, (self.tokens, -1))
        tokens = self.embed(tokens) + self.positions
        for block in self.blocks:
            tokens = block(tokens)
        return self.stitch(self.expand(tokens))
