"""InversionNet: a convolutional encoder to one vector, and a decoder from it.

One set of rules derives the layers from the shapes. It gives the published networks exactly where their
layers are known (OpenFWI's for 5 x 1000 x 70 to 70 x 70, 24,409,123 parameters; salt, 13,742,371), the best
fit for Kimberlina-Leakage (15,813,659) and one of several fits for the electromagnetic reservoir (297,747).
"""

from __future__ import annotations

import math
from typing import NamedTuple

from torch import Tensor, nn

from fwibench.methods.convolutions import Size, conv, deconv_decoder, start_map
from fwibench.methods.torch_method import Normalise, TorchMethod
from fwibench.problem import Problem

BOTTLENECK = 512
NARROWEST = 8
LARGEST_MAP = 9
"""A map at most so long is ready for the bottleneck."""
SINGLE = 5
"""A last map at most so long gets one convolution instead of a pair."""
EM_WIDTH = 64
EM_NARROWEST = 16


class Stage(NamedTuple):
    """One halving of the encoder: its first convolution's kernel and stride, and the map it leaves."""

    kernel: Size
    stride: Size
    size: Size


def plan_stages(size: Size, shape: Size) -> list[Stage]:
    """Halvings from a measurement's `(T, R)` to a map at most 9 long.

    Time alone is halved until the map is about as tall, for its width, as the property, or as a square
    where the property is wide; then both axes are. The first stage is always in time.

    Args:
        size: `(T, R)`.
        shape: `(Z, X)` of the property.
    """
    stages: list[Stage] = []
    height, width = size
    aspect = max(shape[0] / shape[1], 1.0)
    while not stages or max(height, width) > LARGEST_MAP:
        in_time = not stages or height > 1.5 * width * aspect
        stride = (2, 1) if in_time else (2, 2)
        kernel = (7 if not stages else 3, 1 if in_time else 3)
        height, width = math.ceil(height / stride[0]), math.ceil(width / stride[1])
        stages.append(Stage(kernel, stride, (height, width)))
    return stages


def stage_width(number: int, stages: int) -> int:
    """Channels of a stage: 32 in the first; of the rest, two fifths have 64, one fifth 128, two fifths 256."""
    if number == 0:
        return 32
    position = (number - 0.5) / (stages - 1)
    return 64 if position < 0.4 else 128 if position < 0.6 else 256


def seismic_encoder(channels: int, size: Size, shape: Size) -> nn.Sequential:
    """Measurements `(n, S, T, R)` to `(n, 512, 1, 1)`; the bottleneck's kernel is what remains of the map."""
    layers: list[nn.Module] = []
    stages = plan_stages(size, shape)
    for number, (kernel, stride, left) in enumerate(stages):
        width = stage_width(number, len(stages))
        layers.append(conv(channels, width, kernel, stride))
        if number > 0 and max(left) > SINGLE:
            layers.append(conv(width, width, kernel))
        channels = width
    layers.append(conv(channels, BOTTLENECK, stages[-1].size, padding=(0, 0)))
    return nn.Sequential(*layers)


def em_encoder(sources: int) -> nn.Sequential:
    """Measurements `(n, S, 2 F, R)` to `(n, 64, 1, 1)`: real and imaginary parts become channels."""
    strides = ((2, 2), (1, 1)) * 2
    widths = (2 * sources, *(EM_WIDTH,) * 4)
    convolutions = [conv(widths[i], widths[i + 1], (3, 3), stride) for i, stride in enumerate(strides)]
    return nn.Sequential(PartsToChannels(), *convolutions, nn.AdaptiveAvgPool2d(1))


class PartsToChannels(nn.Module):
    """`(n, S, 2 F, R)`, real and imaginary part of each frequency, to `(n, 2 S, F, R)`."""

    def forward(self, measurements: Tensor) -> Tensor:
        """See the class."""
        return measurements.unflatten(2, (-1, 2)).transpose(2, 3).flatten(1, 2)  # type: ignore[no-untyped-call]


def build_network(problem: Problem) -> nn.Sequential:
    """Normalised measurements `(n, S, T, R)` to normalised maps `(n, 1, Z, X)`."""
    sources, samples, receivers = problem.measurement_shape
    shape = problem.grid.shape
    seismic = problem.survey.kind == "seismic"
    encoder = seismic_encoder(sources, (samples, receivers), shape) if seismic else em_encoder(sources)
    width, narrowest = (BOTTLENECK, NARROWEST) if seismic else (EM_WIDTH, EM_NARROWEST)
    _, doublings = start_map(shape)
    widths = [max(width >> level, narrowest) for level in range(doublings + 1)]
    return nn.Sequential(encoder, deconv_decoder(width, widths, shape))


def build_scaling(problem: Problem, *, log: bool) -> Normalise:
    """Normalisation with or without the logarithm, whichever the problem has; EM data are left to the problem."""
    if problem.survey.kind == "seismic":
        problem = problem.model_copy(update={"amplitude": problem.amplitude.model_copy(update={"log": log})})
    return Normalise(problem)


class InversionNet(TorchMethod):
    """Trained end to end on the mean absolute error of normalised maps."""

    def build_encoder(self) -> nn.Module:
        """Scaling, after a logarithm of seismic amplitudes as OpenFWI has it."""
        return build_scaling(self.problem, log=self.options.log)

    def build(self) -> nn.Module:
        """The network of the problem's shapes."""
        return build_network(self.problem)
