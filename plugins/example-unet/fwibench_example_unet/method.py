"""A small U-Net on measurements resampled to the grid.

`TorchMethod` does the rest: it normalises, trains, keeps the best epoch on val, predicts, counts, saves and loads.
"""

import torch
from fwibench import TorchMethod
from torch import Tensor, nn
from torch.nn import functional


class Resample(nn.Module):
    """Measurements `(n, S, T, R)` to images `(n, S * rows, Z, X)`: time runs down the grid, receivers along it.

    An axis is averaged where the grid is coarser, and repeated where it is finer. `rows` rows of the resampled
    measurement share a row of the grid, as channels, so that waveforms are not averaged away.
    """

    def __init__(self, shape: tuple[int, int], rows: int) -> None:
        super().__init__()
        self.shape, self.rows = shape, rows

    def forward(self, measurements: Tensor) -> Tensor:
        """See the class."""
        nz, nx = self.shape
        resampled = functional.interpolate(measurements, size=(nz * self.rows, nx), mode="area")
        return resampled.reshape(len(measurements), -1, nz, self.rows, nx).transpose(2, 3).flatten(1, 2)


def block(inputs: int, outputs: int) -> nn.Sequential:
    """Two convolutions. Groups are normalised, not batches: a sample must not depend on its company."""
    layers: list[nn.Module] = []
    for width in (inputs, outputs):
        layers += [nn.Conv2d(width, outputs, 3, padding=1, bias=False), nn.GroupNorm(1, outputs), nn.ReLU()]
    return nn.Sequential(*layers)


class UNet(nn.Module):
    """Images `(n, inputs, Z, X)` to maps `(n, 1, Z, X)`; every level halves the image and doubles the channels."""

    def __init__(self, inputs: int, channels: int, levels: int) -> None:
        super().__init__()
        widths = [channels << level for level in range(levels + 1)]
        self.down = nn.ModuleList(block(a, b) for a, b in zip([inputs, *widths], widths, strict=False))
        self.up = nn.ModuleList(block(a + b, a) for a, b in zip(widths[-2::-1], widths[:0:-1], strict=True))
        self.last = nn.Conv2d(channels, 1, 1)

    def forward(self, image: Tensor) -> Tensor:
        """See the class."""
        skips: list[Tensor] = []
        for number, down in enumerate(self.down):
            image = down(functional.max_pool2d(image, 2, ceil_mode=True) if number else image)
            skips.append(image)
        for up, skip in zip(self.up, skips[-2::-1], strict=True):
            # to the size of the skip, since an odd side does not come back by doubling
            image = functional.interpolate(image, size=skip.shape[2:], mode="nearest")
            image = up(torch.cat([skip, image], dim=1))
        maps: Tensor = self.last(image)
        return maps


class UNetInversion(TorchMethod):
    """The U-Net, trained on the mean absolute error of normalised maps."""

    def build(self) -> nn.Module:
        """The network, before there are data: both sides are scaled to about [-1, 1] by the problem's constants."""
        options, sources = self.options, self.problem.measurement_shape[0]
        return nn.Sequential(
            Resample(self.problem.grid.shape, options.rows),
            UNet(sources * options.rows, options.channels, options.levels),
        )
