"""Components that maps are sums of, learned from train maps."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from fwibench.typing import Array32, Array64, Maps

UNTAPERED = 0.5
"""Share of the variance whose parts vary together over the whole section, as they do in the train maps; the other share
varies within `width`. On val of kimberlina-reservoir 0.5 was better than 0, by at most 0.0002 S/m (decision 66)."""
SMALLEST = 1e-7
"""Smallest variance of a component over the largest; smaller ones are rounding errors of float32."""


class Components(NamedTuple):
    """A normal distribution of maps: the mean plus components whose coefficients are independent, of variance 1.

    Attributes:
        mean: Mean map `(Z, X)`.
        maps: Components `(K, Z, X)`, orthogonal, the strongest first.
    """

    mean: Array32
    maps: Array32

    def coefficients(self, maps: Maps) -> Array64:
        """Return the coefficients `(n, K)` of the sums of components that are nearest to maps `(n, 1, Z, X)`."""
        flat = self.maps.reshape(len(self.maps), -1)
        changes = (maps[:, 0] - self.mean).reshape(len(maps), -1)
        return np.asarray((changes @ flat.T) / np.square(flat, dtype=np.float64).sum(1))

    def map_of(self, coefficients: Array64) -> Maps:
        """Return the map `(1, Z, X)` of coefficients `(K,)`."""
        return (self.mean + np.tensordot(coefficients.astype(np.float32), self.maps, 1))[None]


def learn_components(maps: Maps, tapers: int, width: float, count: int) -> Components:
    """Return the principal components of train maps that are multiplied with cosines along the section.

    Few maps span few directions, and let far parts of the section vary together by chance. Products with smooth
    functions span more, and their covariance is that of the maps times a function that falls with the distance along
    the section (a modulated ensemble: Bishop and Hodyss, Tellus 61A, 2009).

    Args:
        maps: Train maps `(n, 1, Z, X)`.
        tapers: Number of cosines; 1: the maps themselves.
        width: Length of a Gaussian function of distance, over the length of the section.
        count: Largest number of components.
    """
    mean = maps[:, 0].mean(0, dtype=np.float64)
    deviations = ((maps[:, 0] - mean) / np.sqrt(len(maps) - 1)).astype(np.float32)
    factors = _tapers(deviations.shape[-1], tapers, width)
    # the Gram matrix of all products, from that of each column
    gram = np.zeros((tapers, len(maps)) * 2)
    for column, factor in zip(deviations.transpose(2, 0, 1).astype(np.float64), factors.T, strict=True):
        gram += np.multiply.outer(np.outer(factor, factor), column @ column.T).transpose(0, 2, 1, 3)
    values, vectors = np.linalg.eigh(gram.reshape(tapers * len(maps), -1))
    kept = np.flatnonzero(values > SMALLEST * values[-1])[::-1][:count]
    weights = vectors[:, kept].T.reshape(len(kept), tapers, len(maps)).astype(np.float32)
    found = np.zeros((len(kept), *mean.shape), np.float32)
    for number, factor in enumerate(factors.astype(np.float32)):
        found += factor * np.tensordot(weights[:, number], deviations, 1)
    return Components(mean.astype(np.float32), found)


def _tapers(columns: int, count: int, width: float) -> Array64:
    """Return cosines along the section `(count, X)` whose squares add up to 1 in each column."""
    frequencies = np.pi * np.arange(count)
    place = (np.arange(columns) + 0.5) / columns
    amplitudes = np.exp(-((frequencies * width) ** 2) / 4) * np.where(frequencies > 0, np.sqrt(2), 1.0)
    cosines = amplitudes[:, None] * np.cos(frequencies[:, None] * place)
    cosines *= np.sqrt((1 - UNTAPERED) / np.square(cosines).sum(0))
    cosines[0] = np.sqrt(cosines[0] ** 2 + UNTAPERED)
    return np.asarray(cosines)
