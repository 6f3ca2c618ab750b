"""Block averages of measurements: few enough numbers for methods that compare or multiply them all."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from fwibench.problem import Problem
from fwibench.samples import Split
from fwibench.typing import Array32

CHUNK = 64


def block_sizes(shape: tuple[int, int, int], limit: int) -> tuple[int, int]:
    """Time samples and receivers that one block averages, so that at most `limit` blocks remain.

    The block grows along the longer of the two averaged axes, and never across sources.
    """
    sources, nt, receivers = shape
    time, space = 1, 1
    while sources * math.ceil(nt / time) * math.ceil(receivers / space) > max(limit, sources):
        if nt / time >= receivers / space:
            time += 1
        else:
            space += 1
    return time, space


def block_averages(measurements: Array32, problem: Problem, limit: int) -> Array32:
    """Normalised measurements `(n, S, T, R)`, averaged in blocks and flattened to `(n, features)`."""
    normalised = problem.amplitude.normalise(measurements, np)
    for axis, size in zip((2, 3), block_sizes(problem.measurement_shape, limit), strict=True):
        starts = np.arange(0, measurements.shape[axis], size)
        lengths = np.diff([*starts, measurements.shape[axis]])
        widths = lengths.reshape([-1 if a == axis else 1 for a in range(4)])
        normalised = np.add.reduceat(normalised, starts, axis) / widths
    return normalised.reshape(len(measurements), -1).astype(np.float32)


def split_features(split: Split, problem: Problem, limit: int) -> Array32:
    """Features of a whole split, `(n, features)`, read in chunks."""
    return np.concatenate([block_averages(chunk, problem, limit) for chunk in _chunks(split)])


def _chunks(split: Split) -> Iterator[Array32]:
    for start in range(0, len(split), CHUNK):
        yield split.measurements[start : start + CHUNK]
