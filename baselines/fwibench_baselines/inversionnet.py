"""InversionNet: a convolutional encoder to one vector, and a decoder from it.

The layers follow from the shapes by the rules of the published networks: OpenFWI's for 5 x 1000 x 70 to
70 x 70 (24,409,123 parameters) and the salt one for 5 x 600 x 60 to 40 x 60 (13,742,371).
"""

from __future__ import annotations

import math
from itertools import pairwise

from torch import Tensor, nn

from fwibench.methods.torch_method import TorchMethod
from fwibench.problem import Problem

Size = tuple[int, int]
WIDTHS = (32, 64, 64, 128, 128, 256, 256)
BOTTLENECK = 512
LARGEST_START = 7


def conv(inputs: int, outputs: int, kernel: Size, stride: Size = (1, 1), padding: Size | None = None) -> nn.Module:
    """Convolution, batch normalisation, LeakyReLU(0.2)."""
    pad = padding if padding is not None else (kernel[0] // 2, kernel[1] // 2)
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, pad), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.2, inplace=True)
    )


def deconv(inputs: int, outputs: int, kernel: Size, padding: int = 0) -> nn.Module:
    """Transposed convolution of stride 2, batch normalisation, LeakyReLU(0.2)."""
    return nn.Sequential(
        nn.ConvTranspose2d(inputs, outputs, kernel, 2, padding),
        nn.BatchNorm2d(outputs),
        nn.LeakyReLU(0.2, inplace=True),
    )


def build_encoder(channels: int, size: Size) -> nn.Sequential:
    """Measurements `(n, S, T, R)` to `(n, 512, 1, 1)`.

    Time alone is halved while the map is more than one and a half times as tall as wide; then both axes
    are. Stages are pairs of convolutions, the first one and a last one of at most 5 x 5 are single. The
    bottleneck's kernel is what remains of the map.
    """
    layers: list[nn.Module] = []
    height, width = size
    stage = 0
    while stage == 0 or max(height, width) > 9:
        outputs = WIDTHS[min(stage, len(WIDTHS) - 1)]
        in_time = stage == 0 or height > 1.5 * width
        kernel, stride = ((7 if stage == 0 else 3, 1), (2, 1)) if in_time else ((3, 3), (2, 2))
        layers.append(conv(channels, outputs, kernel, stride))
        height, width = math.ceil(height / stride[0]), math.ceil(width / stride[1])
        if stage > 0 and max(height, width) > 5:
            layers.append(conv(outputs, outputs, kernel))
        channels, stage = outputs, stage + 1
    layers.append(conv(channels, BOTTLENECK, (height, width), padding=(0, 0)))
    return nn.Sequential(*layers)


def build_decoder(shape: Size) -> nn.Sequential:
    """`(n, 512, 1, 1)` to `(n, 1, Z, X)` in (-1, 1).

    A start map with the aspect of the property, at most 7 nodes long, is doubled until it covers the
    property and cropped to it at the centre.
    """
    doublings = 0
    while math.ceil(max(shape) / 2**doublings) > LARGEST_START:
        doublings += 1
    start = (math.ceil(shape[0] / 2**doublings), math.ceil(shape[1] / 2**doublings))
    widths = [max(BOTTLENECK >> level, 8) for level in range(doublings + 1)]
    layers = [deconv(BOTTLENECK, BOTTLENECK, start), conv(BOTTLENECK, BOTTLENECK, (3, 3))]
    for inputs, outputs in pairwise(widths):
        layers += [deconv(inputs, outputs, (4, 4), padding=1), conv(outputs, outputs, (3, 3))]
    spare_z, spare_x = (start[axis] * 2**doublings - shape[axis] for axis in (0, 1))
    crop = (-(spare_x // 2), -(spare_x - spare_x // 2), -(spare_z // 2), -(spare_z - spare_z // 2))
    last = nn.Sequential(nn.Conv2d(widths[-1], 1, 3, 1, 1), nn.BatchNorm2d(1), nn.Tanh())
    return nn.Sequential(*layers, nn.ZeroPad2d(crop), last)


class InversionNetwork(nn.Module):
    """Encoder and decoder for one problem."""

    def __init__(self, problem: Problem) -> None:
        super().__init__()
        sources, nt, receivers = problem.measurement_shape
        self.encoder = build_encoder(sources, (nt, receivers))
        self.decoder = build_decoder(problem.grid.shape)

    def forward(self, measurements: Tensor) -> Tensor:
        """Normalised measurements `(n, S, T, R)` to normalised maps `(n, 1, Z, X)`."""
        return self.decoder(self.encoder(measurements))


class InversionNet(TorchMethod):
    """Trained end to end on the mean absolute error of normalised maps."""

    def build(self) -> nn.Module:
        """The network of the problem's shapes."""
        return InversionNetwork(self.problem)
