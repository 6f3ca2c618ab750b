"""The network that corrects a first prediction."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from fwibench.methods.convolutions import Size
from fwibench.methods.unet import UNet
from fwibench_residual.simulations import Sizes

KERNEL = 7
"""Kernel of the convolutions along time [time samples]."""
GROUP = 8
"""Number of channels that are normalised together."""


def conv(inputs: int, outputs: int, kernel: Size, stride: Size = (1, 1)) -> nn.Sequential:
    """Return a convolution block that normalises each sample by itself.

    Args:
        inputs: Number of input channels.
        outputs: Number of output channels.
        kernel: Kernel size along depth and x.
        stride: Stride along depth and x.
    """
    groups = math.gcd(outputs, max(outputs // GROUP, 1))
    layer = nn.Conv2d(inputs, outputs, kernel, stride, (kernel[0] // 2, kernel[1] // 2), bias=False)
    return nn.Sequential(layer, nn.GroupNorm(groups, outputs), nn.SiLU(inplace=True))


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

    Before training the correction is zero. With `mirrors` it learns from samples half of which are mirrored, at random,
    and predicts the mean for a sample and its mirror image.

    Args:
        sizes: Shapes of the inputs.
        channels: Number of channels at the resolution of the map.
        mirrors: Whether a mirrored sample is a sample too.
    """

    def __init__(self, sizes: Sizes, channels: int, mirrors: bool) -> None:
        super().__init__()
        self.sizes, self.mirrors = sizes, mirrors
        self.map_stem = nn.Conv2d(sizes.maps[0] + sizes.misfits[0], channels, 5, padding=2)
        self.data_stem = None
        if len(sizes.data) == 3:
            self.data_stem = data_stem((sizes.data[0], sizes.data[1], sizes.data[2]), sizes.maps[1:], channels)
        self.unet = UNet(channels, conv)
        self.last = nn.Conv2d(channels, 1, 1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]

    def forward(self, inputs: Tensor) -> Tensor:
        """Return normalised maps `(n, 1, Z, X)` of inputs `(n, values)`."""
        if not self.mirrors:
            return self._correct(inputs)
        if not self.training:
            return (self._correct(inputs) + self._correct(self.sizes.mirror(inputs)).flip(3)) / 2
        # to mirror the prediction once more is to mirror the truth that it is compared with
        turned = torch.rand(len(inputs), 1, device=inputs.device) < 0.5
        maps = self._correct(torch.where(turned, self.sizes.mirror(inputs), inputs))
        return torch.where(turned[..., None, None], maps.flip(3), maps)

    def _correct(self, inputs: Tensor) -> Tensor:
        maps, misfits, data = self.sizes.split(inputs)
        levels = misfits[..., None, None].expand(-1, -1, *maps.shape[2:])
        image = self.map_stem(torch.cat([maps, levels], 1))
        if self.data_stem is not None:
            image = image + self.data_stem(data)
        correction: Tensor = self.last(self.unet(image))
        return maps[:, :1] + correction
