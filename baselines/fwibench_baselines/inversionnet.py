"""InversionNet: a convolutional encoder to one vector, and a decoder from that vector.

The layers are derived from the shapes by a single set of rules. These give the published networks exactly where their
layers are known (OpenFWI's for 5 x 1000 x 70 to 70 x 70, 24,409,123 parameters; salt, 13,742,371), the best fit for
Kimberlina-Leakage (15,813,659) and one of several fits for the electromagnetic reservoir (297,747).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from fwibench.methods.convolutions import Size, conv, deconv_decoder, start_map
from fwibench.methods.torch_method import Normalise, TorchMethod
from fwibench.problem import Problem, Property
from fwibench.samples import Split

BOTTLENECK = 512
"""Length of the vector between encoder and decoder for seismic data."""
NARROWEST = 8
"""Smallest number of channels of the decoder for seismic data."""
LARGEST_MAP = 9
"""Largest side of the last map of the encoder, before the bottleneck."""
SINGLE = 5
"""Largest side of a last map with one convolution instead of two."""
EM_WIDTH = 64
"""Length of the vector between encoder and decoder for electromagnetic data."""
EM_NARROWEST = 16
"""Smallest number of channels of the decoder for electromagnetic data."""


class Stage(NamedTuple):
    """A stage of the encoder, which halves the map.

    Attributes:
        kernel: Kernel size of the first convolution.
        stride: Stride of the first convolution.
        size: Size of the resulting map.
    """

    kernel: Size
    stride: Size
    size: Size


def plan_stages(size: Size, shape: Size) -> list[Stage]:
    """Return the stages from a measurement to a map whose sides are at most `LARGEST_MAP`.

    Only time is halved until the map has about the aspect ratio of the property map, or of a square where that is
    wider; then both axes are halved. The first stage always halves time.

    Args:
        size: Number of time samples and receivers `(T, R)`.
        shape: Shape `(Z, X)` of the property map.
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
    """Return the number of channels of a stage: 32 in the first, then 64 (2/5 of them), 128 (1/5) and 256 (2/5)."""
    if number == 0:
        return 32
    position = (number - 0.5) / (stages - 1)
    return 64 if position < 0.4 else 128 if position < 0.6 else 256


def seismic_encoder(channels: int, size: Size, shape: Size) -> nn.Sequential:
    """Return the encoder from measurements `(n, S, T, R)` to vectors `(n, 512, 1, 1)`.

    Args:
        channels: Number of sources (S).
        size: Number of time samples and receivers `(T, R)`.
        shape: Shape `(Z, X)` of the property map.
    """
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
    """Return the encoder from measurements `(n, S, 2 F, R)` to vectors `(n, 64, 1, 1)`."""
    strides = ((2, 2), (1, 1)) * 2
    widths = (2 * sources, *(EM_WIDTH,) * 4)
    convolutions = [conv(widths[i], widths[i + 1], (3, 3), stride) for i, stride in enumerate(strides)]
    return nn.Sequential(PartsToChannels(), *convolutions, nn.AdaptiveAvgPool2d(1))


class PartsToChannels(nn.Module):
    """Moves real and imaginary parts to channels: `(n, S, 2 F, R)` to `(n, 2 S, F, R)`."""

    def forward(self, measurements: Tensor) -> Tensor:
        """Return the measurements with parts as channels."""
        return measurements.unflatten(2, (-1, 2)).transpose(2, 3).flatten(1, 2)  # type: ignore[no-untyped-call]


def build_network(problem: Problem) -> nn.Sequential:
    """Return the network from normalised measurements `(n, S, T, R)` to normalised maps `(n, 1, Z, X)`."""
    sources, samples, receivers = problem.measurement_shape
    shape = problem.grid.shape
    seismic = problem.survey.kind == "seismic"
    encoder = seismic_encoder(sources, (samples, receivers), shape) if seismic else em_encoder(sources)
    width, narrowest = (BOTTLENECK, NARROWEST) if seismic else (EM_WIDTH, EM_NARROWEST)
    _, doublings = start_map(shape)
    widths = [max(width >> level, narrowest) for level in range(doublings + 1)]
    return nn.Sequential(encoder, deconv_decoder(width, widths, shape))


def build_scaling(problem: Problem, *, log: bool) -> Normalise:
    """Return the normalisation of seismic data with or without a logarithm; that of EM data is set by the problem."""
    if problem.survey.kind == "seismic":
        problem = problem.model_copy(update={"amplitude": problem.amplitude.model_copy(update={"log": log})})
    return Normalise(problem)


@torch.no_grad()
def set_untrained(network: nn.Module, train: Split, bounds: Property) -> None:
    """Set the last normalisation so that predictions have about the mean and standard deviation of the train maps.

    By default they are spread over most of the bounds, and where the property varies little, many gradient steps are
    spent on narrowing them.

    Args:
        network: Network of `build_network`, before its training.
        train: Train split; the maps are read in chunks.
        bounds: Property with the bounds that maps are normalised by.
    """
    count, total, squares = 0, 0.0, 0.0
    for _, maps in train.properties.chunks():
        values = bounds.normalise(maps.astype(np.float64))
        count, total, squares = count + values.size, total + values.sum(), squares + np.square(values).sum()
    mean = total / count
    slope = 1 - mean**2
    last = [layer for layer in network.modules() if isinstance(layer, nn.BatchNorm2d)][-1]
    # tanh follows, so these are the inverse and the slope at the mean
    last.bias.fill_(math.atanh(mean))
    last.weight.fill_(math.sqrt(max(squares / count - mean**2, 0.0)) / slope)


class InversionNet(TorchMethod):
    """InversionNet, trained on the mean absolute error of normalised maps, and optionally their mean squared error."""

    def build_encoder(self) -> nn.Module:
        """Return the normalisation of measurements."""
        return build_scaling(self.problem, log=self.options.log)

    def build(self) -> nn.Module:
        """Return the network for the shapes of the problem."""
        return build_network(self.problem)

    def fit(self, train: Split, val: Split) -> None:
        """See `TorchMethod.fit`; a network without weights starts as the option `untrained` says."""
        if self.options.untrained == "train" and not self._ready:
            set_untrained(self.network, train, self.problem.property)
        super().fit(train, val)

    def loss(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Return the mean absolute error, plus `l2_weight` times the mean squared error, of normalised maps."""
        error, weight = nn.functional.l1_loss(prediction, target), self.options.l2_weight
        return error + weight * nn.functional.mse_loss(prediction, target) if weight else error
