"""Relative distance of simulated and recorded measurements."""

from __future__ import annotations

import numpy as np

from fwibench.typing import Array32, Array64


def row_sizes(measurement: Array64) -> Array64:
    """Root mean square of each row of a measurement `(S, rows, R)`, shape `(1, rows, 1)`.

    Amplitudes of frequencies differ by orders of magnitude; divided by these sizes, rows count alike.
    """
    return np.sqrt(np.square(measurement).mean((0, 2), keepdims=True))


def relative_distance(simulated: Array32, recorded: Array32, *, by_row: bool = False, floor: float = 0.0) -> float:
    """Return the L2 norm of the difference over that of the recorded measurement.

    Missing traces, which are recorded as zero throughout, are left out.

    Args:
        simulated: Simulated measurement `(S, T, R)`.
        recorded: Recorded measurement of the same shape.
        by_row: Whether each row of the middle axis is first divided by its recorded size, as for frequencies.
        floor: Smallest norm of the recorded measurement that is divided by.

    Returns:
        The distance; NaN for a silent record if `floor` is 0.
    """
    a, b = simulated.astype(np.float64), recorded.astype(np.float64)
    a = a * b.any(axis=1, keepdims=True)
    if by_row:
        size = row_sizes(b)
        a, b = a / size, b / size
    return float(np.linalg.norm(a - b) / np.maximum(np.linalg.norm(b), floor))
