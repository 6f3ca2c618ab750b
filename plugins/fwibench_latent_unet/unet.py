"""The U-Net between latent images."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn.functional import interpolate, pad

from fwibench_latent_unet import LEVELS, Skips


def pair(inputs: int, outputs: int) -> nn.Sequential:
    """Return two 3 x 3 convolutions, each followed by a normalisation of the whole image and LeakyReLU(0.01).

    Args:
        inputs: Number of input channels.
        outputs: Number of output channels.
    """
    layers: list[nn.Module] = []
    for width in (inputs, outputs):
        layers += [
            nn.Conv2d(width, outputs, 3, padding=1),
            nn.GroupNorm(1, outputs, 1e-3),
            nn.LeakyReLU(0.01, inplace=True),
        ]
    return nn.Sequential(*layers)


class UNet(nn.Module):
    """A U-Net whose levels halve the image and double the channels.

    A level pools after its first pair of convolutions, and what it hands over to the way up has half the size already.
    The last pair therefore works on an image that was doubled without a skipped one.

    Args:
        channels: Number of channels of input and output.
        repeat: Number of pairs of a level; twice as many at the lowest.
        skips: How an upsampled image meets the skipped one; see `LatentUNetOptions`.
    """

    def __init__(self, channels: int, repeat: int, skips: Skips) -> None:
        super().__init__()
        self.resizes = skips == "resize"
        widths = [channels << level for level in range(LEVELS + 1)]
        self.down = nn.ModuleList(
            nn.Sequential(pair(upper, lower), nn.MaxPool2d(2), *(pair(lower, lower) for _ in range(repeat - 1)))
            for upper, lower in pairwise(widths)
        )
        self.lowest = nn.Sequential(*(pair(widths[-1], widths[-1]) for _ in range(2 * repeat)))
        self.up = nn.ModuleList(
            nn.Sequential(pair(2 * lower, upper), *(pair(upper, upper) for _ in range(repeat - 1)))
            for upper, lower in zip(widths[-2::-1], widths[:0:-1], strict=True)
        )
        self.doubling = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
        self.last = pair(channels, channels)

    def forward(self, image: Tensor) -> Tensor:
        """Return the translated image `(n, channels, rows, columns)`; odd sides lose up to three rows or columns."""
        skipped: list[Tensor] = []
        for down in self.down:
            image = down(image)
            skipped.append(image)
        image = self.lowest(image)
        for up, skip in zip(self.up, reversed(skipped), strict=True):
            image = up(torch.cat([skip, self._fit(image, skip)], dim=1))
        result: Tensor = self.last(self.doubling(image))
        return result

    def _fit(self, image: Tensor, skip: Tensor) -> Tensor:
        """Return the image upsampled to the size of the skipped one."""
        if self.resizes:
            return interpolate(image, skip.shape[2:], mode="bilinear", align_corners=True)
        doubled = self.doubling(image)
        rows, columns = (wanted - found for wanted, found in zip(skip.shape[2:], doubled.shape[2:], strict=True))
        # negative numbers crop
        return pad(doubled, (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2))
