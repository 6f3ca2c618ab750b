"""Measurements spoiled on reading: white noise and missing traces.

Invariant: what happens to a sample depends on the dataset's name, the options and the sample's number,
so every method meets the same noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fwibench.datasets.options import DatasetOptions
from fwibench.seeds import BASE_SEED, derive_seed


@dataclass(frozen=True)
class Noise:
    """Spoils measurements.

    Attributes:
        dataset: Its name.
        options: How much noise, and how many traces are lost.
        by_row: Whether the ratio holds for each entry of the middle axis by itself, as it does for the
            frequencies of electromagnetic data, whose amplitudes differ by orders of magnitude.
    """

    dataset: str
    options: DatasetOptions
    by_row: bool

    def __call__(self, measurements: NDArray[np.float32], numbers: NDArray[np.int64]) -> NDArray[np.float32]:
        """Changes `(n, S, T, R)` in place and returns it; `numbers` are the samples' own."""
        for measurement, number in zip(measurements, numbers, strict=True):
            rng = np.random.default_rng(derive_seed(BASE_SEED, "noise", self.dataset, int(number)))
            if self.options.snr is not None:
                self._add_noise(measurement, rng)
            if self.options.missing_traces:
                self._lose_traces(measurement, rng)
        return measurements

    def _add_noise(self, measurement: NDArray[np.float32], rng: np.random.Generator) -> None:
        power = np.square(measurement, dtype=np.float64).mean(axis=(0, 2) if self.by_row else None, keepdims=True)
        deviation = np.sqrt(power * 10.0 ** (-(self.options.snr or 0.0) / 10.0))
        measurement += (deviation * rng.standard_normal(measurement.shape)).astype(np.float32)

    def _lose_traces(self, measurement: NDArray[np.float32], rng: np.random.Generator) -> None:
        sources, _, receivers = measurement.shape
        traces = sources * receivers
        lost = rng.permutation(traces) < round(self.options.missing_traces * traces)
        measurement *= ~lost.reshape(sources, 1, receivers)
