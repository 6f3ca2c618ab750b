"""A U-Net for images of any size, built of convolution blocks."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate

from fwibench.methods.convolutions import Size, conv

Block = Callable[[int, int, Size], nn.Module]
"""Makes a convolution block of a number of input channels, of output channels and a kernel."""

LEVELS = 3
"""Number of times that the U-Net halves the image."""


class UNet(nn.Module):
    """A U-Net whose levels halve the image and double the channels; images may have any size.

    Args:
        channels: Number of channels of the input and of the last image.
        block: Makes the convolution blocks, two at each level.
    """

    def __init__(self, channels: int, block: Block = conv) -> None:
        super().__init__()

        def pair(inputs: int, outputs: int) -> nn.Sequential:
            return nn.Sequential(block(inputs, outputs, (3, 3)), block(outputs, outputs, (3, 3)))

        widths = [channels << level for level in range(LEVELS + 1)]
        self.first = pair(channels, channels)
        self.down = nn.ModuleList(pair(upper, lower) for upper, lower in pairwise(widths))
        self.up = nn.ModuleList(pair(lower + upper, upper) for upper, lower in reversed(list(pairwise(widths))))

    def forward(self, image: Tensor) -> Tensor:
        """Return an image of the same shape."""
        images = [self.first(image)]
        for down in self.down:
            images.append(down(nn.functional.max_pool2d(images[-1], 2, ceil_mode=True)))
        image = images.pop()
        for up, skip in zip(self.up, reversed(images), strict=True):
            image = up(torch.cat([skip, interpolate(image, skip.shape[2:], mode="bilinear")], 1))
        return image
