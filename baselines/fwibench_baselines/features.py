"""Block averages of measurements, as features of methods that need a small number of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from fwibench.methods.blocks import block_sizes
from fwibench.problem import Problem
from fwibench.samples import Split
from fwibench.typing import Array32

if TYPE_CHECKING:
    from torch import Tensor

CHUNK = 64
"""Number of samples that are read at once."""


def block_averages(measurements: Array32, problem: Problem, limit: int) -> Array32:
    """Return block averages `(n, features)` of measurements after normalisation.

    Args:
        measurements: Raw amplitudes `(n, S, T, R)`.
        problem: Problem with the scaling of measurements.
        limit: Largest number of features.
    """
    normalised = problem.amplitude.normalise(measurements, np)
    for axis, size in zip((2, 3), block_sizes(problem.measurement_shape, limit), strict=True):
        starts = np.arange(0, measurements.shape[axis], size)
        lengths = np.diff([*starts, measurements.shape[axis]])
        widths = lengths.reshape([-1 if a == axis else 1 for a in range(4)])
        normalised = np.add.reduceat(normalised, starts, axis) / widths
    return normalised.reshape(len(measurements), -1).astype(np.float32)


def block_averages_on(device: str, measurements: Array32, problem: Problem, limit: int) -> Tensor:
    """Return block averages `(n, features)` on a device, summed there in float64.

    Args:
        device: Name of the device.
        measurements: Raw amplitudes `(n, S, T, R)`.
        problem: Problem with the scaling of measurements.
        limit: Largest number of features.
    """
    import torch

    values = problem.amplitude.normalise(torch.from_numpy(measurements).to(device), torch)
    for axis, size in zip((2, 3), block_sizes(problem.measurement_shape, limit), strict=True):
        blocks = values.split(size, axis)
        values = torch.stack([block.mean(axis, dtype=torch.float64) for block in blocks], axis)
    return values.flatten(1).float()


def split_features(split: Split, problem: Problem, limit: int, device: str | None = None) -> Array32:
    """Return the block averages `(n, features)` of a split, which is read in chunks.

    Args:
        split: The split.
        problem: Problem with the scaling of measurements.
        limit: Largest number of features.
        device: Device to compute on with torch; None: numpy computes them.
    """
    parts = []
    for start in range(0, len(split), CHUNK):
        chunk = split.measurements[start : start + CHUNK]
        if device is None:
            parts.append(block_averages(chunk, problem, limit))
        else:
            parts.append(block_averages_on(device, chunk, problem, limit).cpu().numpy())
    return np.concatenate(parts)
