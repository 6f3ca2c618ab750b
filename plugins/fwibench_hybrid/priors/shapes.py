"""Prior `two-phase`: a body changes by the modes in which the shapes of train maps differ.

Shapes are distances from the flanks of bodies (a level set), whose principal components interpolate between bodies of
different size and position; those of the maps themselves would blend their values instead.

Invariant: a change of zero leaves shapes and background as they are, and a body has the value of its phase throughout.
"""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
import torch
from torch import Tensor

from fwibench.problem import Property
from fwibench.typing import Array32
from fwibench_hybrid.priors.phases import Phase, find_phase, separate

SLOPE = 2.5
"""Slope of the smooth step that stands for a flank in gradients [1/cells]: nodes within about a cell of it have one."""


class ShapeModes(NamedTuple):
    """What is learned from train maps.

    Attributes:
        phase: Value and threshold of the bodies [property's unit], `(2,)`.
        shapes: Modes of the distance from the flanks [cells], `(k, Z, X)`, each times its standard deviation.
        backgrounds: Modes of the background [property's unit], `(l, Z, X)`, each times its standard deviation.
    """

    phase: Array32
    shapes: Array32
    backgrounds: Array32

    @classmethod
    def learn(cls, maps: Array32, bounds: Property, most: int) -> Self | None:
        """Learn from train maps.

        Args:
            maps: The maps `(n, 1, Z, X)` [property's unit].
            bounds: Range of the property.
            most: Largest number of modes of the shape, and of those of the background.

        Returns:
            The modes; None if the maps have no phase of high values.
        """
        phase = find_phase(maps, bounds)
        if phase is None:
            return None
        distances, backgrounds = separate(maps, phase)
        return cls(np.array(phase, np.float32), modes(distances, most), modes(backgrounds, most))


def modes(maps: Array32, most: int) -> Array32:
    """Return principal components of maps `(n, 1, Z, X)`, each times its standard deviation, `(k, Z, X)`.

    Args:
        maps: The maps.
        most: Largest number of components.
    """
    flat = maps.reshape(len(maps), -1).astype(np.float64)
    _, sizes, rows = np.linalg.svd(flat - flat.mean(0), full_matrices=False)
    # without their mean, n maps span n - 1 directions
    count = min(most, len(maps) - 1)
    found = rows[:count] * sizes[:count, None] / np.sqrt(len(maps))
    return found.reshape(-1, *maps.shape[2:]).astype(np.float32)


class ShapeChange:
    """A change of maps along the modes of shape and background; see `Deformation`.

    Args:
        maps: Maps `(n, 1, Z, X)` [property's unit].
        learned: What was learned from train maps.

    Attributes:
        rest: Zero change `(n, k + l)`, in standard deviations of the train maps.
        step: First step of Adam in every band [standard deviations].
    """

    step = 0.1

    def __init__(self, maps: Tensor, learned: ShapeModes) -> None:
        value, threshold = map(float, learned.phase)
        parts = separate(maps.detach().cpu().numpy(), Phase(value, threshold))
        self._distance, self._background = (torch.from_numpy(part).to(maps) for part in parts)
        self._value, self._count = value, len(learned.shapes)
        self._shapes, self._backgrounds = (torch.from_numpy(part).to(maps) for part in learned[1:])
        self.rest = torch.zeros(len(maps), self._count + len(self._backgrounds), device=maps.device)

    def bend(self, values: Tensor) -> Tensor:
        """Return changed maps `(n, 1, Z, X)`.

        Args:
            values: Change along each mode, of the shape of `rest`.
        """
        shapes, backgrounds = values[:, : self._count], values[:, self._count :]
        distance = self._distance + torch.einsum("nk,kzx->nzx", shapes, self._shapes)[:, None]
        background = self._background + torch.einsum("nk,kzx->nzx", backgrounds, self._backgrounds)[:, None]
        # a flank is as sharp as in the data, and its gradient reaches the nodes next to it
        smooth = torch.sigmoid(SLOPE * distance)
        share = (distance + 0.5).clamp(0, 1).detach() + smooth - smooth.detach()
        return background + (self._value - background) * share

    def strain(self, values: Tensor) -> Tensor:
        """Return the mean squared change `(n,)`, in variances of the train maps."""
        return values.square().mean(1)
