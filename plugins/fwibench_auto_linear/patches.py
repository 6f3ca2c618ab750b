"""Division of measurements and maps into patches."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor, nn


@dataclass(frozen=True)
class Patches:
    """Equal patches that cover an image of several channels, of which the last row and column may extend beyond it.

    Attributes:
        shape: Shape `(C, H, W)` of the image.
        patch: Height and width of a patch.
    """

    shape: tuple[int, int, int]
    patch: tuple[int, int]

    @property
    def grid(self) -> tuple[int, int]:
        """Number of patches along height and width."""
        _, height, width = self.shape
        return math.ceil(height / self.patch[0]), math.ceil(width / self.patch[1])

    @property
    def count(self) -> int:
        """Number of patches (L)."""
        return math.prod(self.grid)

    @property
    def entries(self) -> int:
        """Number of entries of a patch (P)."""
        return self.shape[0] * math.prod(self.patch)

    def divide(self, images: Tensor) -> Tensor:
        """Return the patches `(n, L, P)` of images `(n, C, H, W)`, which zeros extend to whole patches."""
        channels, height, width = self.shape
        (rows, columns), (tall, wide) = self.grid, self.patch
        padded = nn.functional.pad(images, (0, columns * wide - width, 0, rows * tall - height))
        parts = padded.reshape(-1, channels, rows, tall, columns, wide)
        return parts.permute(0, 2, 4, 1, 3, 5).reshape(-1, self.count, self.entries)

    def join(self, patches: Tensor) -> Tensor:
        """Return the images `(n, C, H, W)` of patches `(n, L, P)`."""
        channels, height, width = self.shape
        (rows, columns), (tall, wide) = self.grid, self.patch
        parts = patches.reshape(-1, rows, columns, channels, tall, wide).permute(0, 3, 1, 4, 2, 5)
        return parts.reshape(-1, channels, rows * tall, columns * wide)[..., :height, :width]


def measurement_patches(shape: tuple[int, int, int], count: int) -> Patches:
    """Return about `count` patches of a measurement, 10 in time for 7 along receivers, all sources in each.

    For 70 and 1000 x 70 they are the 100 x 10 of HINT.

    Args:
        shape: Shape `(S, T, R)` of a measurement.
        count: Number of patches.
    """
    return _patches(shape, math.sqrt(count * 10 / 7), math.sqrt(count * 7 / 10))


def map_patches(shape: tuple[int, int], count: int) -> Patches:
    """Return about `count` patches of a map, about square.

    For 49 and 70 x 70 they are 10 x 10, which gives the 7 x 7 latents of HINT.

    Args:
        shape: Shape `(Z, X)` of a map.
        count: Number of patches.
    """
    aspect = shape[0] / shape[1]
    return _patches((1, *shape), math.sqrt(count * aspect), math.sqrt(count / aspect))


def _patches(shape: tuple[int, int, int], rows: float, columns: float) -> Patches:
    """Return the patches of an image for about a number of rows and columns of patches, not less than one."""
    _, height, width = shape
    return Patches(shape, (_side(height, rows), _side(width, columns)))


def _side(length: int, parts: float) -> int:
    return math.ceil(length / max(round(parts), 1))
