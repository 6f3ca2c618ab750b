"""Disturbances of measurements on reading: another wavelet, clock or gain, noise, missing traces.

Invariant: the disturbance of a sample depends on the name of the dataset, the options and the number of the sample, so
it is the same for every method.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from fwibench.datasets.time_filters import filter_traces
from fwibench.problem import SeismicSurvey
from fwibench.seeds import BASE_SEED, derive_seed
from fwibench.specs.dataset_options import DatasetOptions
from fwibench.typing import Array32, Array64, Indices


@dataclass(frozen=True)
class Noise:
    """A function that disturbs measurements.

    What changes the recorded signal comes first, so that the white noise has its ratio to the signal that was recorded.

    Attributes:
        dataset: Name of the dataset.
        options: Size of each disturbance.
        survey: The seismic survey; None for electromagnetic data. There, ratios hold for each row of the middle axis,
            since the amplitudes of frequencies differ by orders of magnitude.
        degrade: Whether the disturbances of `DISTURBANCES` are applied.
        simulator: Whether noise is added that stands for differences between simulators.
    """

    dataset: str
    options: DatasetOptions
    survey: SeismicSurvey | None
    degrade: bool
    simulator: bool

    def __call__(self, measurements: Array32, numbers: Indices) -> Array32:
        """Change measurements `(n, S, T, R)` of some sample numbers in place, and return them."""
        for measurement, number in zip(measurements, numbers, strict=True):
            if self.simulator:
                rng = np.random.default_rng(derive_seed(BASE_SEED, "augment", self.dataset, int(number)))
                self._add_simulator_noise(measurement, rng)
            if self.degrade:
                self._change_signal(measurement)
                rng = np.random.default_rng(derive_seed(BASE_SEED, "noise", self.dataset, int(number)))
                if self.options.snr is not None:
                    self._add_noise(measurement, rng)
                if self.options.missing_traces:
                    self._remove_traces(measurement, rng)
        return measurements

    def _change_signal(self, measurement: Array32) -> None:
        """Apply what is the same for all samples: another wavelet, time axis and gain."""
        options = self.options
        if self.survey is not None and (options.wavelet_shift or options.time_shift):
            measurement[:] = filter_traces(measurement, self.survey, options.wavelet_shift, options.time_shift)
        if options.gain != 1.0:
            measurement *= np.float32(options.gain)

    def _add_simulator_noise(self, measurement: Array32, rng: np.random.Generator) -> None:
        """Add noise with the wavelet's spectrum, independent in each trace.

        Simulators differ in their absorbing layers and their dispersion, which both leave signals of the wavelet's
        band. White noise would be averaged out by methods that sum over time samples.
        """
        noise = rng.standard_normal(measurement.shape)
        if self.survey is not None:
            cycles = self.survey.wavelet.frequency * self.survey.dt
            frequency = np.fft.rfftfreq(measurement.shape[1], cycles)[:, None]
            spectrum = np.fft.rfft(noise, axis=1) * frequency**2 * np.exp(-(frequency**2))
            noise = np.fft.irfft(spectrum, measurement.shape[1], axis=1)
            noise /= np.sqrt(np.square(noise).mean())
        size = self.options.simulator_noise * np.sqrt(self._power(measurement))
        measurement += (size * noise).astype(np.float32)

    def _power(self, measurement: Array32) -> Array64:
        """Mean square of a measurement, or of each row of an electromagnetic one."""
        axes = (0, 2) if self.survey is None else None
        return np.square(measurement, dtype=np.float64).mean(axis=axes, keepdims=True)

    def _add_noise(self, measurement: Array32, rng: np.random.Generator) -> None:
        deviation = np.sqrt(self._power(measurement) * 10.0 ** (-(self.options.snr or 0.0) / 10.0))
        measurement += (deviation * rng.standard_normal(measurement.shape)).astype(np.float32)

    def _remove_traces(self, measurement: Array32, rng: np.random.Generator) -> None:
        sources, _, receivers = measurement.shape
        traces = sources * receivers
        lost = rng.permutation(traces) < round(self.options.missing_traces * traces)
        measurement *= ~lost.reshape(sources, 1, receivers)
