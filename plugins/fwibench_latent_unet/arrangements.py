"""Arrangements of the values of a measurement before the first convolution."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from fwibench.methods.convolutions import Size


class FoldedImage(nn.Module):
    """Shots side by side in one image, whose blocks are folded onto the nodes of the latent image.

    Column `s R + r` of the image is the trace of shot s at receiver r, its rows are the time samples. Rows and columns
    are repeated, evenly distributed, until they are multiples of those of the latent image; each value of the
    measurement therefore occurs once or more, unchanged. Every block of `block` rows and columns then becomes the
    channels of one node, row by row.

    Args:
        shape: Shape `(S, T, R)` of a measurement.
        latent: Shape `(rows, columns)` of the latent image.

    Attributes:
        block: Number of rows and columns of a block.
        channels: Number of values of a block.
    """

    rows: Tensor
    columns: Tensor

    def __init__(self, shape: tuple[int, int, int], latent: Size) -> None:
        super().__init__()
        sources, samples, receivers = shape
        sides = (samples, sources * receivers)
        self.latent = latent
        self.block = tuple(math.ceil(side / nodes) for side, nodes in zip(sides, latent, strict=True))
        self.channels = math.prod(self.block)
        for name, side, nodes, length in zip(("rows", "columns"), sides, latent, self.block, strict=True):
            self.register_buffer(name, torch.arange(nodes * length) * side // (nodes * length), persistent=False)

    def forward(self, measurements: Tensor) -> Tensor:
        """Return images `(n, channels, rows, columns)` of measurements `(n, S, T, R)`."""
        image = measurements.transpose(1, 2).flatten(2).index_select(1, self.rows).index_select(2, self.columns)
        (rows, columns), (height, width) = self.latent, self.block
        blocks = image.reshape(len(image), rows, height, columns, width)
        return blocks.permute(0, 2, 4, 1, 3).flatten(1, 2)
