"""Chunk size in which methods receive samples."""

import numpy as np

from fwibench.plugins.registry import Registry
from fwibench.runs.opening.datasets import open_dataset
from fwibench.runs.opening.methods import rows_at_once


def test_chunk_size_is_limited_by_larger_of_maps_and_measurements(registry: Registry) -> None:
    problem = open_dataset(registry, "kimberlina-reservoir", "quick").problem
    size = 4 * np.prod(problem.property_shape)
    assert size > 4 * np.prod(problem.measurement_shape)
    assert rows_at_once(problem) * size <= 2**26
