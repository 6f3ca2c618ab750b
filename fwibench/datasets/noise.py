"""Measurements spoiled on reading: white noise, missing traces, and noise that stands for another simulator.

Invariant: what happens to a sample depends on the dataset's name, the options and the sample's number,
so every method meets the same noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fwibench.seeds import BASE_SEED, derive_seed
from fwibench.specs.dataset_options import DatasetOptions
from fwibench.typing import Array32, Array64, Indices


@dataclass(frozen=True)
class Noise:
    """Spoils measurements.

    Attributes:
        dataset: Its name.
        options: How much noise, and how many traces are lost.
        cycles: Periods of the wavelet in a time sample; None for electromagnetic data. There, ratios hold for each
            entry of the middle axis by itself, since the amplitudes of frequencies differ by orders of magnitude.
        spoil: Whether to add white noise and to lose traces, as the options say.
        mimic: Whether to add the noise that stands for another simulator.
    """

    dataset: str
    options: DatasetOptions
    cycles: float | None
    spoil: bool
    mimic: bool

    def __call__(self, measurements: Array32, numbers: Indices) -> Array32:
        """Changes `(n, S, T, R)` in place and returns it; `numbers` are the samples' own."""
        for measurement, number in zip(measurements, numbers, strict=True):
            if self.mimic:
                rng = np.random.default_rng(derive_seed(BASE_SEED, "augment", self.dataset, int(number)))
                self._mimic_simulator(measurement, rng)
            if self.spoil:
                rng = np.random.default_rng(derive_seed(BASE_SEED, "noise", self.dataset, int(number)))
                if self.options.snr is not None:
                    self._add_noise(measurement, rng)
                if self.options.missing_traces:
                    self._lose_traces(measurement, rng)
        return measurements

    def _mimic_simulator(self, measurement: Array32, rng: np.random.Generator) -> None:
        """Add noise with the wavelet's spectrum, independent in each trace.

        Simulators differ in their absorbing layers and their dispersion, which both leave signals of the wavelet's
        band. White noise would be averaged away by whatever adds up time samples.
        """
        noise = rng.standard_normal(measurement.shape)
        if self.cycles is not None:
            frequency = np.fft.rfftfreq(measurement.shape[1], self.cycles)[:, None]
            spectrum = np.fft.rfft(noise, axis=1) * frequency**2 * np.exp(-(frequency**2))
            noise = np.fft.irfft(spectrum, measurement.shape[1], axis=1)
            noise /= np.sqrt(np.square(noise).mean())
        size = self.options.simulator_noise * np.sqrt(self._power(measurement))
        measurement += (size * noise).astype(np.float32)

    def _power(self, measurement: Array32) -> Array64:
        """Mean square of a measurement, of each row of electromagnetic ones."""
        axes = (0, 2) if self.cycles is None else None
        return np.square(measurement, dtype=np.float64).mean(axis=axes, keepdims=True)

    def _add_noise(self, measurement: Array32, rng: np.random.Generator) -> None:
        deviation = np.sqrt(self._power(measurement) * 10.0 ** (-(self.options.snr or 0.0) / 10.0))
        measurement += (deviation * rng.standard_normal(measurement.shape)).astype(np.float32)

    def _lose_traces(self, measurement: Array32, rng: np.random.Generator) -> None:
        sources, _, receivers = measurement.shape
        traces = sources * receivers
        lost = rng.permutation(traces) < round(self.options.missing_traces * traces)
        measurement *= ~lost.reshape(sources, 1, receivers)
