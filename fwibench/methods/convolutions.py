"""Convolution blocks and decoders of the networks of the InversionNet family.

Every convolution has a bias and is followed by batch normalisation and LeakyReLU(0.2). Weights are initialised by
PyTorch's defaults.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

from torch import nn

Size = tuple[int, int]


def conv(inputs: int, outputs: int, kernel: Size, stride: Size = (1, 1), padding: Size | None = None) -> nn.Sequential:
    """Return a convolution block.

    Args:
        inputs: Number of input channels.
        outputs: Number of output channels.
        kernel: Kernel size along depth and x.
        stride: Stride along depth and x.
        padding: Padding along depth and x; None: half the kernel size.
    """
    pad = padding if padding is not None else (kernel[0] // 2, kernel[1] // 2)
    return _block(nn.Conv2d(inputs, outputs, kernel, stride, pad))


def deconv(inputs: int, outputs: int, kernel: Size, padding: int = 0) -> nn.Sequential:
    """Return a transposed convolution block of stride 2.

    Args:
        inputs: Number of input channels.
        outputs: Number of output channels.
        kernel: Kernel size along depth and x.
        padding: Padding along both axes.
    """
    return _block(nn.ConvTranspose2d(inputs, outputs, kernel, 2, padding))


def _block(layer: nn.Conv2d | nn.ConvTranspose2d) -> nn.Sequential:
    return nn.Sequential(layer, nn.BatchNorm2d(layer.out_channels), nn.LeakyReLU(0.2, inplace=True))


def start_map(shape: Size, largest: int = 7) -> tuple[Size, int]:
    """Return the size of the first map of a decoder, and the number of doublings that cover `shape`.

    The first map has about the aspect ratio of `shape`: 5 x 5 and four doublings for 70 x 70, 3 x 4 and four for
    40 x 60, 7 x 3 and six for 401 x 141.

    Args:
        shape: Shape `(Z, X)` of the output map.
        largest: Largest side of the first map.
    """
    doublings = 0
    while math.ceil(max(shape) / 2**doublings) > largest:
        doublings += 1
    return (math.ceil(shape[0] / 2**doublings), math.ceil(shape[1] / 2**doublings)), doublings


def deconv_decoder(inputs: int, widths: Sequence[int], shape: Size) -> nn.Sequential:
    """Return a decoder of pairs of transposed convolution and convolution.

    Args:
        inputs: Length of the input vector `(n, inputs, 1, 1)`.
        widths: Number of channels of the first map and after each doubling.
        shape: Shape `(Z, X)` of the output map `(n, 1, Z, X)`, whose values lie in (-1, 1).
    """
    start, _ = start_map(shape)
    layers: list[nn.Module] = [deconv(inputs, widths[0], start), conv(widths[0], widths[0], (3, 3))]
    for before, after in pairwise(widths):
        layers += [deconv(before, after, (4, 4), padding=1), conv(after, after, (3, 3))]
    return nn.Sequential(*layers, *_last(widths, start, shape))


def upsampling_decoder(inputs: int, widths: Sequence[int], shape: Size) -> nn.Sequential:
    """Return a decoder of nearest-neighbour upsampling and one convolution per doubling.

    Args:
        inputs: See `deconv_decoder`.
        widths: See `deconv_decoder`.
        shape: See `deconv_decoder`.
    """
    start, _ = start_map(shape)
    layers: list[nn.Module] = [nn.Upsample(scale_factor=start), conv(inputs, widths[0], (3, 3))]
    for before, after in pairwise(widths):
        layers += [nn.Upsample(scale_factor=2), conv(before, after, (3, 3))]
    return nn.Sequential(*layers, *_last(widths, start, shape))


def _last(widths: Sequence[int], start: Size, shape: Size) -> tuple[nn.Module, nn.Module]:
    """Return a crop to `shape` about the centre, and the last convolution to one channel in (-1, 1)."""
    spare_z, spare_x = (begin * 2 ** (len(widths) - 1) - end for begin, end in zip(start, shape, strict=True))
    crop = (-(spare_x // 2), -(spare_x - spare_x // 2), -(spare_z // 2), -(spare_z - spare_z // 2))
    return nn.ZeroPad2d(crop), nn.Sequential(nn.Conv2d(widths[-1], 1, 3, 1, 1), nn.BatchNorm2d(1), nn.Tanh())
