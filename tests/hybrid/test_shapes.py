"""Shapes of bodies in train maps, and the prior that changes a start along them."""

import numpy as np
import pytest
import torch
from fwibench_hybrid.priors.phases import FARTHEST, find_phase, separate
from fwibench_hybrid.priors.shapes import ShapeChange, ShapeModes

from fwibench.problem import Property

BOUNDS = Property(name="velocity", unit="m/s", low=1500.0, high=4500.0)
BODY = 4400.0
RADII = (4.0, 5.0, 6.0, 8.0, 9.0, 10.0)
SHAPE = (30, 40)


def disc(radius: float, centre: float = 20.0) -> np.ndarray:
    """A disc whose flank is spread over a cell, in a ground that becomes faster with depth; `(1, 1, Z, X)`."""
    z, x = np.meshgrid(*map(np.arange, SHAPE), indexing="ij")
    share = np.clip(radius - np.hypot(z - 15, x - centre) + 0.5, 0, 1)
    ground = ground_of(z)
    return (ground + (BODY - ground) * share)[None, None].astype(np.float32)


def ground_of(z: np.ndarray) -> np.ndarray:
    return 1600.0 + 40 * z


@pytest.fixture(scope="module")
def discs() -> np.ndarray:
    return np.concatenate([disc(radius) for radius in RADII])


@pytest.fixture(scope="module")
def learned(discs: np.ndarray) -> ShapeModes:
    found = ShapeModes.learn(discs, BOUNDS, 20)
    assert found is not None
    return found


def test_phase_is_the_value_of_bodies(discs: np.ndarray) -> None:
    phase = find_phase(discs, BOUNDS)
    assert phase is not None
    assert phase.value == BODY
    assert ground_of(np.array(SHAPE[0])) < phase.threshold < BODY


def test_maps_whose_values_are_spread_have_no_phase(discs: np.ndarray) -> None:
    rng = np.random.default_rng(0)
    spread = rng.uniform(1500, 4500, discs.shape).astype(np.float32)
    assert find_phase(spread, BOUNDS) is None
    assert find_phase(discs[:, :, :6], BOUNDS) is None, "ground without a body"
    # values that are clipped at the highest one, with others right below
    assert find_phase(np.minimum(spread + 60, 4500), BOUNDS) is None
    assert ShapeModes.learn(spread, BOUNDS, 20) is None


def test_distance_is_that_to_the_flank(discs: np.ndarray) -> None:
    phase = find_phase(discs, BOUNDS)
    assert phase is not None
    distances, backgrounds = separate(disc(8.0), phase)
    z, x = np.meshgrid(*map(np.arange, SHAPE), indexing="ij")
    exact = (8.0 - np.hypot(z - 15, x - 20)).clip(-FARTHEST, FARTHEST)
    # a distance transform measures from node to node
    assert np.abs(distances[0, 0] - exact).max() < 1
    outside = exact < -2
    np.testing.assert_array_equal(backgrounds[0, 0][outside], disc(8.0)[0, 0][outside])
    assert np.abs(backgrounds[0, 0] - ground_of(z)).max() < 40 * 4, "a body is filled with what is at its depth"


def test_map_without_a_body_is_all_background(learned: ShapeModes) -> None:
    ground = disc(-2.0)
    change = ShapeChange(torch.from_numpy(ground), learned)
    torch.testing.assert_close(change.bend(change.rest).numpy(), ground)


def test_no_change_keeps_the_map(learned: ShapeModes) -> None:
    maps = np.concatenate([disc(7.0), disc(4.5)])
    change = ShapeChange(torch.from_numpy(maps), learned)
    kept = change.bend(change.rest).numpy()
    assert np.abs(kept - maps).max() < 0.01 * (BODY - 1600)
    assert float(change.strain(change.rest).sum()) == 0


def test_modes_reach_a_body_of_a_size_that_no_train_map_has(learned: ShapeModes) -> None:
    truth, start = torch.from_numpy(disc(7.0)), disc(9.0)
    change = ShapeChange(torch.from_numpy(start), learned)
    values = change.rest.clone().requires_grad_()
    optimiser = torch.optim.Adam([values], lr=change.step)
    for _ in range(100):
        optimiser.zero_grad()
        (change.bend(values) - truth).abs().mean().backward()
        optimiser.step()
    found = change.bend(values.detach())
    error = float((found - truth).abs().mean())
    blended = 0.5 * (disc(6.0) + disc(8.0)) - truth.numpy()
    assert error < 0.2 * float((torch.from_numpy(start) - truth).abs().mean())
    assert error < 0.5 * np.abs(blended).mean(), "a mean of maps has two flanks"
    assert float(found.max()) <= BODY + 0.5


def test_gradient_agrees_with_differences_over_a_cell(learned: ShapeModes) -> None:
    change = ShapeChange(torch.from_numpy(disc(7.0)), learned)
    values = change.rest.clone().requires_grad_()
    (slope,) = torch.autograd.grad(change.bend(values).mean(), values)
    # a flank is piecewise linear in its distance: differences over a cell average over its corners
    for mode in range(2):
        along = torch.zeros_like(change.rest)
        along[0, mode] = 1 / float(np.abs(learned.shapes[mode]).max())
        rise = float((change.bend(along) - change.bend(-along)).mean())
        assert float(slope[0, mode] * along[0, mode] * 2) == pytest.approx(rise, rel=0.1)


def test_background_changes_around_a_body_and_not_in_it(discs: np.ndarray) -> None:
    faster = np.where(discs < BODY, np.minimum(discs + 100, BODY), discs).astype(np.float32)
    learned = ShapeModes.learn(np.concatenate([discs, faster]), BOUNDS, 20)
    assert learned is not None
    start = disc(9.0)
    change = ShapeChange(torch.from_numpy(start), learned)
    values = change.rest.clone()
    values[0, len(learned.shapes)] = 1.0
    found = (change.bend(values) - change.bend(change.rest)).numpy()
    body = start == BODY
    assert np.abs(found[body]).max() == 0
    # two values 100 m/s apart deviate by 50 m/s from their mean
    np.testing.assert_allclose(np.abs(found[start == disc(-2.0)]), 50, atol=0.01)


def test_samples_do_not_influence_each_other(learned: ShapeModes) -> None:
    maps = torch.from_numpy(np.concatenate([disc(7.0), disc(4.5, 15.0)]))
    together, alone = ShapeChange(maps, learned), ShapeChange(maps[1:], learned)
    values = torch.from_numpy(np.random.default_rng(1).standard_normal(together.rest.shape).astype(np.float32))
    torch.testing.assert_close(together.bend(values)[1:], alone.bend(values[1:]))
    torch.testing.assert_close(together.strain(values)[1:], alone.strain(values[1:]))
