"""The prior that a denoising network learns from train maps, and the method refine with it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from fwibench_hybrid import RefineOptions
from fwibench_hybrid.method import PRIOR, Refine
from fwibench_hybrid.priors.diffusion import (
    BATCH,
    LEVELS,
    SHIFT,
    Denoiser,
    augment,
    mix,
    penalty_of,
    shares,
    train_denoiser,
)
from pydantic import ValidationError
from torch import Tensor

from fwibench.errors import MethodError
from fwibench.methods.context import RunContext
from fwibench.problem import Problem
from fwibench.seeds import derive_seed
from tests.hybrid.test_method import Constant, body, split_of, unread

STEPS = 150


def layers(count: int, seed: int) -> Tensor:
    """Normalised maps `(n, 1, 16, 20)` of two layers with an interface at a random depth."""
    depths = np.random.default_rng(seed).integers(4, 13, count)
    return torch.from_numpy(
        np.where(np.arange(16)[:, None] < depths[:, None, None, None], -0.6, 0.6)
    ).float() + torch.zeros(1, 1, 1, 20)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[Denoiser, list[float]]:
    context = RunContext(tmp_path_factory.mktemp("fit"), dataset="layers", method="refine")
    return train_denoiser(layers(20, 0), STEPS, context)


def test_loss_falls_with_training(trained: tuple[Denoiser, list[float]]) -> None:
    _, losses = trained
    assert len(losses) == STEPS
    assert np.mean(losses[-20:]) < 0.5 * np.mean(losses[:5])


def test_penalty_leads_back_to_the_train_maps(trained: tuple[Denoiser, list[float]]) -> None:
    network, _ = trained
    truth = layers(4, 1)
    wrong = truth + 0.3 * torch.randn(truth.shape, generator=torch.Generator().manual_seed(0))
    maps, evaluate = wrong.clone(), penalty_of(network, float(truth[0].numel()), 7)
    for iteration in range(30):
        maps.requires_grad_()
        (slope,) = torch.autograd.grad(evaluate(maps, iteration).sum(), maps)
        maps = (maps - 0.05 * slope).detach()
    assert (maps - truth).abs().mean() < 0.6 * (wrong - truth).abs().mean()


def test_untrained_network_predicts_the_share_of_noise() -> None:
    noisy, levels = torch.randn(2, 1, 9, 13), torch.tensor([0.2, 0.9]).view(2, 1, 1, 1)
    torch.testing.assert_close(Denoiser().eval()(noisy, levels), shares(levels)[1] * noisy)


def test_level_is_known_to_the_network() -> None:
    torch.manual_seed(0)
    network = Denoiser().eval()
    torch.nn.init.ones_(network.last.weight)
    noisy = torch.randn(1, 1, 8, 8)
    velocities = []
    for level in (0.3, 0.6):
        keep, noise = shares(torch.full((1, 1, 1, 1), level))
        velocities.append((network(noisy, torch.full((1, 1, 1, 1), level)) - noise * noisy) / keep)
    assert (velocities[0] - velocities[1]).abs().max() > 1e-3


def test_gradient_is_the_surplus_noise_of_the_clipped_map(trained: tuple[Denoiser, list[float]]) -> None:
    network, _ = trained
    maps = layers(2, 3).requires_grad_()
    value = penalty_of(network, 0.25, 11)(maps, 5)
    (slope,) = torch.autograd.grad(value.sum(), maps)
    random = torch.Generator().manual_seed(derive_seed(11, 5))
    level = (LEVELS[0] + (LEVELS[1] - LEVELS[0]) * torch.rand((), generator=random)).view(1, 1, 1, 1)
    noise = torch.randn(1, 1, 16, 20, generator=random)
    keep, share = shares(level)
    with torch.no_grad():
        noisy = mix(maps, level, noise)
        restored = ((noisy - share * network(noisy, level.expand(2, 1, 1, 1))) / keep).clamp(-1, 1)
        surplus = (noisy - keep * restored) / share - noise
    assert value.tolist() == [0, 0]
    torch.testing.assert_close(slope, 0.25 * surplus / maps[0].numel(), rtol=1e-4, atol=1e-7)
    assert slope.abs().max() > 0


def test_samples_do_not_influence_each_other(trained: tuple[Denoiser, list[float]]) -> None:
    network, _ = trained
    evaluate = penalty_of(network, 1.0, 0)

    def slope(maps: Tensor, iteration: int) -> Tensor:
        maps = maps.clone().requires_grad_()
        return torch.autograd.grad(evaluate(maps, iteration).sum(), maps)[0]

    maps = layers(3, 5)
    torch.testing.assert_close(slope(maps, 4)[1:2], slope(maps[1:2], 4))
    assert torch.equal(slope(maps, 4), slope(maps, 4)), "an iteration draws the same noise again"
    assert not torch.equal(slope(maps, 4), slope(maps, 5))


def test_train_maps_are_mirrored_and_shifted() -> None:
    z, x = torch.meshgrid(torch.arange(8.0), torch.arange(20.0), indexing="ij")
    maps, generator = (100 * z + x).expand(64, 1, 8, 20), torch.Generator().manual_seed(0)
    found = augment(maps, generator)
    assert found.shape == maps.shape
    rises = (found[:, 0, 4, 10] - found[:, 0, 4, 9]).tolist()
    assert set(rises) == {1.0, -1.0}
    shifts = {int(augment(maps, generator)[0, 0, 4, 10] // 100) - 4 for _ in range(60)}
    assert shifts == set(range(-SHIFT[0], SHIFT[0] + 1))


def refine(small: Problem, folder: Path, stops: bool = False, **options: object) -> Refine:
    class Context(RunContext):
        def should_stop(self) -> bool:
            return stops

    folder.mkdir(parents=True, exist_ok=True)
    chosen = RefineOptions.model_validate(
        {"prior": "diffusion", "diffusion_steps": 3, "bands": "full", "warp": 0, "iterations": 4, "holdout": 0}
        | options
    )
    return Refine(small, chosen, Context(folder, dataset="tiny", method="refine", base=Constant(body(small, 3))))


@pytest.fixture(scope="module")
def bodies(small: Problem, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], object]:
    return lambda: split_of([body(small, half) for half in (2, 4, 6)], tmp_path_factory.mktemp("bodies"))


def test_saved_network_predicts_the_same(
    small: Problem, shots: np.ndarray, bodies: Callable[[], object], tmp_path: Path
) -> None:
    method = refine(small, tmp_path / "work", diffusion_weight=10.0)
    method.fit(bodies(), unread())
    found = method.predict(shots)
    method.save(tmp_path)
    again = refine(small, tmp_path / "again", diffusion_weight=10.0)
    again.load(tmp_path)
    np.testing.assert_array_equal(again.predict(shots), found)
    np.testing.assert_array_equal(np.concatenate([again.predict(shots[i : i + 1]) for i in range(len(shots))]), found)
    again.save(tmp_path / "again")
    assert (tmp_path / "again" / PRIOR).read_bytes() == (tmp_path / PRIOR).read_bytes()
    plain = refine(small, tmp_path / "plain", prior="none").predict(shots)
    assert np.abs(plain - found).max() > 1
    own = sum(part.numel() for part in Denoiser().parameters())
    assert method.complexity().parameters == 3 + own
    assert method.samples_seen == 3 * BATCH


def test_fit_repeats_itself(small: Problem, bodies: Callable[[], object], tmp_path: Path) -> None:
    for name in "ab":
        method = refine(small, tmp_path / name)
        torch.manual_seed(ord(name))
        method.fit(bodies(), unread())
        method.save(tmp_path / name)
    assert (tmp_path / "a" / PRIOR).read_bytes() == (tmp_path / "b" / PRIOR).read_bytes()


def test_deadline_ends_the_training(small: Problem, bodies: Callable[[], object], tmp_path: Path) -> None:
    method = refine(small, tmp_path, stops=True)
    method.fit(bodies(), unread())
    assert method.notes() == ["the prior was trained for 0 of 3 steps: the deadline came first"]


def test_network_is_needed_before_a_prediction(small: Problem, shots: np.ndarray, tmp_path: Path) -> None:
    method = refine(small, tmp_path)
    for use in (lambda: method.predict(shots), lambda: method.save(tmp_path)):
        with pytest.raises(MethodError, match="before fit"):
            use()


def test_line_search_with_noise_is_an_error() -> None:
    with pytest.raises(ValidationError, match="which optimiser=l-bfgs-b forbids"):
        RefineOptions(prior="diffusion", optimiser="l-bfgs-b")
