"""How well stored measurements agree with what the physics makes of the stored property."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fwibench.physics.misfit import row_sizes
from fwibench.typing import Array32, Array64

Array = Array32 | Array64


@dataclass(frozen=True)
class Agreement:
    """One stored measurement beside a simulated one.

    Attributes:
        number: The sample.
        correlation: Of all entries; near -1 where the polarity is reversed.
        scale: What the simulation must be multiplied by, least squares; its sign is the polarity.
        delay: Samples by which the stored traces come later; None where there is no time axis.
        residual: Relative L2 norm of stored less simulated, as they are.
    """

    number: int
    correlation: float
    scale: float
    delay: float | None
    residual: float


def compare(number: int, stored: Array, simulated: Array, *, seismic: bool) -> Agreement:
    """Compares two measurements `(S, T, R)`.

    Args:
        number: The sample's.
        stored: As it lies on disk.
        simulated: From the stored property.
        seismic: Whether the middle axis is time. If not, each of its entries (a frequency's real or imaginary
            part) is brought to unit size first, so that the largest does not decide alone.
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


def _delay(a: Array64, b: Array64) -> float:
    """Lag of the largest absolute cross-correlation over time, all traces together, to a part of a sample."""
    samples = a.shape[1]
    length = 2 * samples
    spectra = np.fft.rfft(a, length, axis=1) * np.fft.rfft(b, length, axis=1).conj()
    correlation = np.abs(np.fft.irfft(spectra.sum((0, 2)), length))
    peak = int(correlation.argmax())
    left, middle, right = (correlation[(peak + step) % length] for step in (-1, 0, 1))
    bend = left - 2 * middle + right
    # the vertex of the parabola through the three values
    part = 0.5 * (left - right) / bend if bend else 0.0
    return float((peak - length if peak >= samples else peak) + part)
