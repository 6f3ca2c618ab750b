"""The encoder from measurements to latent images."""

from __future__ import annotations

from typing import NamedTuple

from fwibench_baselines.inversionnet import PartsToChannels
from torch import nn

from fwibench.methods.convolutions import Size, conv
from fwibench.problem import Problem
from fwibench_latent_unet.arrangements import FoldedImage


class Block(NamedTuple):
    """A convolution along time with batch normalisation and LeakyReLU(0.2).

    Attributes:
        width: Number of output channels.
        kernel: Kernel size [time samples].
        stride: Stride [time samples].
        padding: Padding [time samples].
    """

    width: int
    kernel: int
    stride: int
    padding: int

    def length(self, samples: int) -> int:
        """Return the number of time samples after it."""
        return (samples + 2 * self.padding - self.kernel) // self.stride + 1


BLOCKS = (Block(8, 7, 3, 3), Block(16, 7, 2, 1), Block(32, 5, 2, 1), Block(64, 5, 1, 0), Block(128, 5, 1, 0))
"""The published blocks, from 1000 time samples to 74 (amplitude_config_latent_dim_70.json)."""


def build_encoder(problem: Problem, channels: int, latent: Size, *, folded: bool) -> nn.Sequential:
    """Return the encoder from normalised measurements to latent images `(n, channels, rows, columns)`.

    Args:
        problem: The problem.
        channels: Number of channels of the latent image.
        latent: Shape `(rows, columns)` of the latent image.
        folded: Whether shots are side by side in one image instead of channels.
    """
    sources, samples, _ = problem.measurement_shape
    if folded:
        fold = FoldedImage(problem.measurement_shape, latent)
        return nn.Sequential(fold, conv(fold.channels, channels, (1, 1)))
    if problem.survey.kind == "em":
        return nn.Sequential(PartsToChannels(), *trace_layers(2 * sources, samples // 2, channels, latent))
    return nn.Sequential(*trace_layers(sources, samples, channels, latent))


def trace_layers(inputs: int, samples: int, channels: int, latent: Size) -> list[nn.Module]:
    """Return convolutions along time, and the interpolation of time samples and receivers to the latent image.

    A published block is taken where the trace still has a time sample for each row of the latent image after it. It
    keeps the number of time samples elsewhere, so that none is lost of short traces.

    Args:
        inputs: Number of input channels.
        samples: Number of time samples, or of frequencies (T).
        channels: Number of channels of the latent image; no layer but the last has more.
        latent: Shape `(rows, columns)` of the latent image.
    """
    layers: list[nn.Module] = []
    for number, block in enumerate(BLOCKS, 1):
        if block.length(samples) < latent[0]:
            block = block._replace(stride=1, padding=block.kernel // 2)
        width = channels if number == len(BLOCKS) else min(block.width, channels)
        layers.append(conv(inputs, width, (block.kernel, 1), (block.stride, 1), (block.padding, 0)))
        inputs, samples = width, block.length(samples)
    return [*layers, nn.Upsample(latent, mode="bilinear", align_corners=False)]
