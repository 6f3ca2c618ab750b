"""Batches that exceed the memory of a GPU; skipped on a CPU, where PyTorch keeps no limit."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fwibench.physics.parallel import maps_at_once, simulate_batches, simulate_each
from fwibench.plugins.registry import Registry
from fwibench.runs.opening.datasets import open_dataset
from fwibench.testing.problems import PROBLEMS, in_memory, tiny_maps
from tests.device.test_device import build
from tests.tolerances import assert_same_signal

PROBLEM = PROBLEMS["seismic"]


@pytest.fixture
def limit_memory(device: str) -> Iterator[Callable[[int], None]]:
    """Returns a function that lets torch use so many bytes of the GPU."""
    if not device.startswith("cuda"):
        pytest.skip("no GPU")
    number = torch.cuda.current_device() if device == "cuda" else torch.device(device).index
    total = torch.cuda.get_device_properties(number).total_memory

    def limit(size: int) -> None:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(number)
        torch.cuda.set_per_process_memory_fraction(size / total, number)

    yield limit
    torch.cuda.set_per_process_memory_fraction(1.0, number)
    torch.cuda.empty_cache()


def test_simulations_are_divided(device: str, limit_memory: Callable[[int], None]) -> None:
    assert maps_at_once(PROBLEM, device) > 4000
    maps = [tiny_maps("seismic")[0]] * 3999 + [tiny_maps("seismic")[1]]
    limit_memory(600 * 2**20)
    found = list(simulate_batches(maps, PROBLEM, device, len(maps)))
    assert len(found) == len(maps)
    for one, expected in zip(found[-2:], simulate_each(maps[-2:], PROBLEM), strict=True):
        assert_same_signal(one, expected, 1e-4)


def test_batches_of_a_fit_are_divided(
    device: str, registry: Registry, tmp_path: Path, limit_memory: Callable[[int], None]
) -> None:
    dataset: Any = open_dataset(registry, "salt", "smoke")
    problem, rng, size = dataset.problem, np.random.default_rng(0), 1500 * 2**20
    shots = rng.normal(0, 10, (128, *problem.measurement_shape)).astype(np.float32)
    maps = rng.uniform(1500, 4500, (128, *problem.property_shape)).astype(np.float32)
    method = build("inversionnet", registry, dataset, tmp_path, device, epochs="1", batch_size="128")
    limit_memory(size)
    # 128 samples take more than 3 GB
    method.fit(in_memory("train", shots, maps), in_memory("val", shots[:2], maps[:2]))
    assert np.isfinite(method.history[0]["train_loss"])
    assert torch.cuda.max_memory_reserved(device) <= size
