"""The decoder from latent images to maps."""

from __future__ import annotations

from torch import nn

from fwibench.methods.convolutions import Size

WIDTHS = (128, 64, 32, 16, 1)
"""Channels of the published layers (velocity_config_latent_dim_70.json)."""


def build_decoder(channels: int, shape: Size) -> nn.Sequential:
    """Return the decoder to normalised maps `(n, 1, Z, X)`.

    The published transposed convolutions have a kernel of 1 x 1, which makes them ordinary convolutions.

    Args:
        channels: Number of channels of the latent image; no layer has more.
        shape: Shape `(Z, X)` of the map.
    """
    layers: list[nn.Module] = []
    inputs = channels
    for published in WIDTHS:
        width = min(published, channels)
        layers += [nn.Conv2d(inputs, width, 1), nn.BatchNorm2d(width), nn.Tanh()]
        inputs = width
    return nn.Sequential(*layers, nn.Conv2d(1, 1, 1), nn.Upsample(shape, mode="bilinear", align_corners=False))
