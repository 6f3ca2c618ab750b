"""How many cores are used."""

import os
from typing import Any

import numpy as np
import pytest
import torch

from fwibench.errors import ProblemError
from fwibench.physics import parallel
from fwibench.physics.parallel import available_cores, map_bytes, maps_at_once, simulate_batches, simulate_each
from fwibench.testing.problems import PROBLEMS, tiny_maps

PROBLEM = PROBLEMS["seismic"]


def test_available_cores_respect_the_machine_and_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 1 <= available_cores() <= (os.cpu_count() or 1)
    monkeypatch.setenv("LOKY_MAX_CPU_COUNT", "1")
    assert available_cores() == 1


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no affinity on this system")
def test_available_cores_respect_the_affinity() -> None:
    before = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(before)})
        assert available_cores() == 1
    finally:
        os.sched_setaffinity(0, before)


@pytest.mark.parametrize("size", [1, 2, 3, 100])
def test_batches_give_the_data_of_single_models(size: int) -> None:
    maps = list(tiny_maps("seismic")[:5])
    found = list(simulate_batches(maps, PROBLEM, "cpu", size))
    for one, expected in zip(found, simulate_each(maps, PROBLEM), strict=True):
        assert one.flags.c_contiguous
        np.testing.assert_array_equal(one, expected)


def test_batch_that_exceeds_the_memory_is_halved(monkeypatch: pytest.MonkeyPatch) -> None:
    maps, tried, once = list(tiny_maps("seismic")[:5]), [], parallel._simulate_batch

    def within(most: int, batch: list[np.ndarray], problem: Any, device: str) -> torch.Tensor:
        tried.append(len(batch))
        if len(batch) > most:
            raise torch.OutOfMemoryError
        return once(batch, problem, device)

    monkeypatch.setattr(parallel, "_simulate_batch", lambda *given: within(1, *given))
    found = list(simulate_batches(maps, PROBLEM, "cpu", 64))
    assert tried == [5, 2, 1, 1, 1, 1, 1]
    np.testing.assert_array_equal(found, list(simulate_each(maps, PROBLEM)))
    monkeypatch.setattr(parallel, "_simulate_batch", lambda *given: within(0, *given))
    with pytest.raises(torch.OutOfMemoryError):
        next(simulate_batches(maps, PROBLEM, "cpu", 2))


def test_size_of_a_batch_follows_the_free_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    one = map_bytes(PROBLEM)
    # six wavefields of three shots in float32 with an absorbing layer of 6 cells, and the records
    assert one > 6 * 3 * 32 * 42 * 4 + 3 * 100 * 15 * 4
    for free, expected in ((20 * one, 10), (one // 2, 1)):
        monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device, free=free: (free, 80 * 2**30))
        assert maps_at_once(PROBLEM, "cuda") == expected
    with pytest.raises(ProblemError, match="acoustic"):
        map_bytes(PROBLEMS["em"])
