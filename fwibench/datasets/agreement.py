"""Agreement of stored measurements with simulations of the stored properties."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fwibench.physics.misfit import row_sizes
from fwibench.physics.parallel import simulate_each
from fwibench.problem import Problem
from fwibench.samples import ShardedArray
from fwibench.typing import Array32, Array64, Indices

Array = Array32 | Array64


@dataclass(frozen=True)
class Agreement:
    """A stored measurement compared with a simulated one.

    Attributes:
        number: Number of the sample.
        correlation: Correlation of all entries; near -1 where the polarity is reversed.
        scale: Least-squares factor on the simulation; its sign is the polarity.
        delay: Delay of the stored traces [samples]; None where there is no time axis.
        residual: Relative L2 norm of stored less simulated measurement.
    """

    number: int
    correlation: float
    scale: float
    delay: float | None
    residual: float


def compare(number: int, stored: Array, simulated: Array, *, seismic: bool) -> Agreement:
    """Compare two measurements `(S, T, R)`.

    Args:
        number: Number of the sample.
        stored: Stored measurement.
        simulated: Simulation of the stored property.
        seismic: Whether the middle axis is time. If not, each of its rows (real or imaginary part of a frequency) is
            divided by its size, so that the largest does not dominate.
    """
    a, b = stored.astype(np.float64), simulated.astype(np.float64)
    if not seismic:
        size = row_sizes(b)
        size[size == 0] = 1.0
        a, b = a / size, b / size
    power = float(np.vdot(b, b))
    product = float(np.vdot(a, b))
    norm = float(np.linalg.norm(a) * np.linalg.norm(b))
    return Agreement(
        number=number,
        correlation=product / norm if norm else float("nan"),
        scale=product / power if power else float("nan"),
        delay=_delay(a, b) if seismic else None,
        residual=float(np.linalg.norm(a - b) / np.sqrt(power)) if power else float("nan"),
    )


def compare_samples(
    problem: Problem, measurements: ShardedArray, properties: ShardedArray, numbers: Indices
) -> list[Agreement]:
    """Simulate properties and compare with the measurements.

    Args:
        problem: Problem with physics.
        measurements: Stored measurements `(n, S, T, R)`.
        properties: Their maps `(n, 1, Z, X)`.
        numbers: Numbers of these samples, `(n,)`.

    Returns:
        One agreement for each sample.
    """
    simulated = simulate_each(list(properties[:]), problem)
    seismic = problem.survey.kind == "seismic"
    return [
        compare(int(number), measurements[i], made, seismic=seismic)
        for i, (number, made) in enumerate(zip(numbers, simulated, strict=True))
    ]


def _delay(a: Array64, b: Array64) -> float:
    """Lag [samples] of the largest absolute cross-correlation over time, summed over traces."""
    samples = a.shape[1]
    length = 2 * samples
    spectra = np.fft.rfft(a, length, axis=1) * np.fft.rfft(b, length, axis=1).conj()
    correlation = np.abs(np.fft.irfft(spectra.sum((0, 2)), length))
    peak = int(correlation.argmax())
    left, middle, right = (correlation[(peak + step) % length] for step in (-1, 0, 1))
    bend = left - 2 * middle + right
    # vertex of the parabola through the three values
    part = 0.5 * (left - right) / bend if bend else 0.0
    return float((peak - length if peak >= samples else peak) + part)
