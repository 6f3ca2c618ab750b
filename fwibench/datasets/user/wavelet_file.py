"""Source wavelet from the samples in a `.npy` file.

Invariant: the samples are those of the file, at the time step of the records, unless the user moves the peak.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fwibench.errors import DataError, UsageError
from fwibench.files.npy import open_array
from fwibench.problem import SampledWavelet
from fwibench.typing import Array64

SILENT = 1e-6
"""Share of the largest amplitude below which the samples at the end are left out."""


def read_wavelet(path: str, dt: float, nt: int, delay: float | None = None) -> SampledWavelet:
    """Read a wavelet.

    Args:
        path: `.npy` file of the amplitudes, `(T,)`, from time 0.
        dt: Time step of the file and of the records [s].
        nt: Time samples of the records; later samples are left out.
        delay: Time to which the peak is moved [s]; None leaves it.

    Returns:
        The wavelet with its peak frequency and delay.

    Raises:
        UsageError: The file cannot be read, or holds no wavelet.
    """
    try:
        found = open_array(Path(path).expanduser())
    except DataError as error:
        raise UsageError(f"--wavelet '{path}' cannot be read: {error.message}", error.hint) from error
    if found.dtype.kind not in "fiu" or found.size != max(found.shape, default=0):
        raise UsageError(
            f"--wavelet '{path}' holds {found.shape} values of type {found.dtype}, expected one row of real numbers",
            "give the amplitudes at the time step of the records, from time 0",
        )
    signal = np.asarray(found, np.float64).ravel()
    if not np.isfinite(signal).all() or not signal.any():
        raise UsageError(f"--wavelet '{path}' is zero throughout or holds NaN", "give the amplitudes of the source")
    wavelet = sampled_wavelet(signal[:nt], dt)
    return wavelet if delay is None else move_peak(wavelet, dt, nt, delay)


def sampled_wavelet(signal: Array64, dt: float) -> SampledWavelet:
    """Return the wavelet of some samples.

    Its frequency is that of the largest amplitude of the spectrum, its delay the time of the largest absolute sample.

    Args:
        signal: Amplitudes `(T,)` from time 0.
        dt: Time step [s].
    """
    loud = np.flatnonzero(np.abs(signal) > SILENT * np.abs(signal).max())
    signal = signal[: max(int(loud[-1]) + 1, 2)]
    length = 16 * len(signal)
    spectrum = np.abs(np.fft.rfft(signal, length))
    spectrum[0] = 0.0  # a constant has no frequency
    frequency = float(np.fft.rfftfreq(length, dt)[spectrum.argmax()])
    return SampledWavelet(
        samples=tuple(map(float, signal)), frequency=frequency, delay=float(np.abs(signal).argmax() * dt)
    )


def move_peak(wavelet: SampledWavelet, dt: float, nt: int, delay: float) -> SampledWavelet:
    """Return the wavelet with its peak at another time; parts of a sample are interpolated by its spectrum.

    Args:
        wavelet: Wavelet at time step `dt`.
        dt: Time step [s].
        nt: Time samples of the record, where the moved wavelet ends.
        delay: New time of its peak [s].
    """
    by = (delay - wavelet.delay) / dt
    length = 2 * (nt + len(wavelet.samples))
    spectrum = np.fft.rfft(wavelet.samples, length)
    shifted = np.fft.irfft(spectrum * np.exp(-2j * np.pi * np.fft.rfftfreq(length) * by), length)[:nt]
    loud = np.flatnonzero(np.abs(shifted) > SILENT * np.abs(wavelet.samples).max())
    samples = shifted[: max(int(loud[-1]) + 1 if len(loud) else 2, 2)]
    return wavelet.model_copy(update={"samples": tuple(map(float, samples)), "delay": delay})
