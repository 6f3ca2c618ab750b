"""Decoders from Y to a normalised map (section 3.2, tables 4 and 5)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from fwibench.methods.convolutions import conv, deconv_decoder, start_map, upsampling_decoder
from fwibench_invlint import InvLINTOptions
from fwibench_invlint.layouts import Layout, Size
from fwibench_invlint.stitching import Stitch

CHANNELS = 64
"""Number of channels of the token grid of `ConvolutionDecoder`."""
WIDTHS = (512, 256, 128, 64, 32, 16, 8)
"""Number of channels of the first map and after each doubling, for the decoders with five stages."""


def build_decoder(options: InvLINTOptions, layout: Layout, shape: Size) -> nn.Module:
    """Return the decoder that the options name.

    Table 4 compares `transformer`, `conv` (two convolutions), `deconv` (one transposed convolution), each followed by a
    linear layer, and the stacks (deconv + conv) x 5 and (up + conv) x 5.

    Args:
        options: Options of InvLINT.
        layout: Sizes for the map.
        shape: Shape `(Z, X)` of the map.
    """
    kind, embedding = options.decoder, layout.embedding
    if kind == "transformer":
        return TransformerDecoder(options, layout, shape)
    if kind in ("conv", "deconv"):
        return ConvolutionDecoder(layout, shape, upsample=kind == "deconv")
    build = deconv_decoder if kind == "deconv-x5" else upsampling_decoder
    _, doublings = start_map(shape)
    return nn.Sequential(nn.Unflatten(1, (embedding, 1, 1)), build(embedding, WIDTHS[: doublings + 1], shape))


class TransformerDecoder(nn.Module):
    """Linear layer L1 to a grid of tokens, transformer blocks, and linear layer Lr to blocks of the map.

    Args:
        options: Options of InvLINT.
        layout: Sizes for the map.
        shape: Shape `(Z, X)` of the map.
    """

    def __init__(self, options: InvLINTOptions, layout: Layout, shape: Size) -> None:
        super().__init__()
        width, block = layout.width, layout.block
        self.tokens = layout.tokens
        self.compress = nn.Linear(layout.embedding, self.tokens * layout.channels)
        self.embed = nn.Linear(layout.channels, width)
        self.positions = nn.Parameter(layout.positions * torch.randn(self.tokens, width))
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(
                width, layout.heads, layout.mlp, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
            )
            for _ in range(options.layers)
        )
        # created also where it is not used: it draws the random numbers that precede the other weights
        last = nn.Linear(width, math.prod(block))
        separate = (nn.Linear(width, math.prod(block)) for _ in range(self.tokens))
        self.expand = last if options.shared else nn.ModuleList(separate)
        self.stitch = Stitch(shape, layout.grid, block)

    def forward(self, y: Tensor) -> Tensor:
        """Return normalised maps `(n, 1, Z, X)` for Y `(n, M)`."""
        tokens = self.compress(y).unflatten(1, (self.tokens, -1))
        tokens = self.embed(tokens) + self.positions
        for block in self.blocks:
            tokens = block(tokens)
        if isinstance(self.expand, nn.ModuleList):
            return self.stitch(torch.stack([last(tokens[:, i]) for i, last in enumerate(self.expand)], 1))
        return self.stitch(self.expand(tokens))


class ConvolutionDecoder(nn.Module):
    """Linear layer L1 to a token grid, convolutions, and linear layer Lr to blocks of the map.

    Args:
        layout: Sizes for the map.
        shape: Shape `(Z, X)` of the map.
        upsample: Whether one transposed convolution, which doubles the grid, replaces the two convolutions.
    """

    def __init__(self, layout: Layout, shape: Size, *, upsample: bool) -> None:
        super().__init__()
        grid, block = layout.grid, layout.block
        self.compress = nn.Linear(layout.embedding, CHANNELS * layout.tokens)
        self.grid = nn.Unflatten(1, (CHANNELS, *grid))
        if upsample:
            grid, channels = (2 * grid[0], 2 * grid[1]), 2 * CHANNELS
            widened = nn.ConvTranspose2d(CHANNELS, channels, 2, 2)
            self.body = nn.Sequential(widened, nn.BatchNorm2d(channels), nn.LeakyReLU(0.2, inplace=True))
        else:
            channels = CHANNELS
            self.body = nn.Sequential(*(conv(channels, channels, (3, 3)) for _ in range(2)))
        self.expand = nn.Linear(channels, math.prod(block))
        self.stitch = Stitch(shape, grid, block)

    def forward(self, y: Tensor) -> Tensor:
        """Return normalised maps `(n, 1, Z, X)` for Y `(n, M)`."""
        tokens = self.body(self.grid(self.compress(y))).flatten(2).transpose(1, 2)
        return self.stitch(self.expand(tokens))
