"""The decoders of section 3.2 and of tables 4 and 5: Y to a normalised map."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from fwibench.methods.convolutions import conv, deconv_decoder, start_map, upsampling_decoder
from fwibench_invlint import Decoder
from fwibench_invlint.stitching import Size, Stitch, layout

CHANNELS = 64
WIDTHS = (512, 256, 128, 64, 32, 16, 8)


def build_decoder(
    kind: Decoder, embedding: int, shape: Size, *, width: int, heads: int, mlp: int, layers: int, shared: bool
) -> nn.Module:
    """The decoder that table 4 calls so.

    Args:
        kind: `transformer` and linear; `conv` x 2 and linear; `deconv` x 1 and linear; (deconv + conv) x 5;
            (up + conv) x 5.
        embedding: Length of Y (M).
        shape: `(Z, X)` of the map.
        width: Channels of a token, of the transformer.
        heads: Its attention heads.
        mlp: Hidden units of its MLP.
        layers: Its blocks (table 5).
        shared: Whether all tokens share the last linear layer; table 5's "multi-linear" has one each.
    """
    if kind == "transformer":
        return TransformerDecoder(embedding, shape, width=width, heads=heads, mlp=mlp, layers=layers, shared=shared)
    if kind in ("conv", "deconv"):
        return ConvolutionDecoder(embedding, shape, upsample=kind == "deconv")
    build = deconv_decoder if kind == "deconv-x5" else upsampling_decoder
    _, doublings = start_map(shape)
    return nn.Sequential(nn.Unflatten(1, (embedding, 1, 1)), build(embedding, WIDTHS[: doublings + 1], shape))


class TransformerDecoder(nn.Module):
    """L1 to a grid of tokens, transformer blocks, Lr to blocks of the map; see `build_decoder`."""

    def __init__(
        self, embedding: int, shape: Size, *, width: int, heads: int, mlp: int, layers: int, shared: bool = True
    ) -> None:
        super().__init__()
        grid, block = layout(shape)
        self.tokens = math.prod(grid)
        channels = 4 * math.ceil(512 / (4 * self.tokens))
        self.compress = nn.Linear(embedding, self.tokens * channels)
        self.embed = nn.Linear(channels, width)
        self.positions = nn.Parameter(0.02 * torch.randn(self.tokens, width))
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(
                width, heads, mlp, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
            )
            for _ in range(layers)
        )
        last = nn.Linear(width, math.prod(block))
        self.expand = last if shared else nn.ModuleList(nn.Linear(width, math.prod(block)) for _ in range(self.tokens))
        self.stitch = Stitch(shape, grid, block)

    def forward(self, y: Tensor) -> Tensor:
        """`(n, M)` to `(n, 1, Z, X)`."""
        tokens = self.compress(y).unflatten(1, (self.tokens, -1))
        tokens = self.embed(tokens) + self.positions
        for block in self.blocks:
            tokens = block(tokens)
        if isinstance(self.expand, nn.ModuleList):
            return self.stitch(torch.stack([last(tokens[:, i]) for i, last in enumerate(self.expand)], 1))
        return self.stitch(self.expand(tokens))


class ConvolutionDecoder(nn.Module):
    """L1 to a grid of 64 channels, two convolutions or one transposed convolution, Lr to blocks of the map.

    Args:
        embedding: Length of Y (M).
        shape: `(Z, X)` of the map.
        upsample: Transposed convolution, which doubles the grid, instead of the two convolutions.
    """

    def __init__(self, embedding: int, shape: Size, *, upsample: bool) -> None:
        super().__init__()
        grid, block = layout(shape)
        self.compress = nn.Linear(embedding, CHANNELS * math.prod(grid))
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
        """`(n, M)` to `(n, 1, Z, X)`."""
        tokens = self.body(self.grid(self.compress(y))).flatten(2).transpose(1, 2)
        return self.stitch(self.expand(tokens))
