"""Simulations and their gradients on the device that there is, in batches of any size."""

import numpy as np
import torch

from fwibench.physics.acoustic import simulate
from fwibench.physics.parallel import simulate_batches, simulate_each
from fwibench.testing.problems import PROBLEMS, tiny_data, tiny_maps
from tests.tolerances import assert_same_signal

PROBLEM = PROBLEMS["seismic"]
ROUNDED = 1e-4
"""Share of a measurement's norm that sums in another order, over some hundred time steps in float32, may change."""


def test_every_map_gives_the_data_of_the_cpu(device: str) -> None:
    maps = list(tiny_maps("seismic"))
    found = list(simulate_each(maps, PROBLEM, device))
    for one, expected in zip(found, simulate_each(maps, PROBLEM), strict=True):
        assert one.dtype == np.float32
        assert_same_signal(one, expected, ROUNDED)


def test_batches_of_any_size_agree(device: str) -> None:
    maps = list(tiny_maps("seismic")[:7])
    single = list(simulate_batches(maps, PROBLEM, device, 1))
    for size in (3, 7):
        for one, expected in zip(simulate_batches(maps, PROBLEM, device, size), single, strict=True):
            assert_same_signal(one, expected, ROUNDED)


def test_gradients_are_those_of_the_cpu(device: str) -> None:
    data = tiny_data()
    gradients = []
    for place in ("cpu", device):
        model = torch.full((2, 1, 20, 30), 2500.0, device=place, requires_grad=True)
        residual = simulate(model, PROBLEM) - torch.from_numpy(data.test.measurements[:2]).to(place)
        residual.square().sum().backward()
        assert model.grad is not None
        gradients.append(model.grad.cpu())
    # a gradient correlates two fields, each rounded as a simulation is
    assert_same_signal(gradients[1], gradients[0], 10 * ROUNDED)
