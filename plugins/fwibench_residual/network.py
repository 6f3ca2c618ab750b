"""The network that corrects a first prediction."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fwibench.methods.convolutions import Size, conv
from fwibench.methods.unet import UNet
from fwibench_residual.simulations import Sizes

KERNEL = 7
"""Kernel of the convolutions along time [time samples]."""


def data_stem(shape: tuple[int, int, int], image: Size, channels: int) -> nn.Sequential:
    """Return convolutions along time, and the interpolation of time samples and receivers to an image.

    Time is halved as long as there is a sample for each row of the image.

    Args:
        shape: Number of traces of a receiver, of time samples and of receivers.
        image: Shape `(Z, X)` of the image.
        channels: Number of channels of the image.
    """
    width, samples, _ = shape
    layers: list[nn.Module] = []
    while not layers or samples >= 2 * image[0]:
        stride = 2 if samples >= 2 * image[0] else 1
        layers.append(conv(width, channels, (KERNEL, 1), (stride, 1)))
        width, samples = channels, -(-samples // stride)
    return nn.Sequential(*layers, conv(width, channels, (3, 3)), nn.Upsample(image, mode="bilinear"))


class Correction(nn.Module):
    """Adds a correction to the first prediction.

    Before training the correction is zero.

    Args:
        sizes: Shapes of the inputs.
        channels: Number of channels at the resolution of the map.
    """

    def __init__(self, sizes: Sizes, channels: int) -> None:
        super().__init__()
        self.sizes = sizes
        self.map_stem = nn.Conv2d(sizes.maps[0] + sizes.misfits[0], channels, 5, padding=2)
        self.data_stem = None
        if len(sizes.data) == 3:
            self.data_stem = data_stem((sizes.data[0], sizes.data[1], sizes.data[2]), sizes.maps[1:], channels)
        self.unet = UNet(channels)
        self.last = nn.Conv2d(channels, 1, 1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]

    def forward(self, inputs: Tensor) -> Tensor:
        """Return normalised maps `(n, 1, Z, X)` of inputs `(n, values)`."""
        maps, misfits, data = self.sizes.split(inputs)
        levels = misfits[..., None, None].expand(-1, -1, *maps.shape[2:])
        image = self.map_stem(torch.cat([maps, levels], 1))
        if self.data_stem is not None:
            image = image + self.data_stem(data)
        correction: Tensor = self.last(self.unet(image))
        return maps[:, :1] + correction
