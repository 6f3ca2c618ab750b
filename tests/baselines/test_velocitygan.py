import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from fwibench_baselines import InversionNetOptions, VelocityGANOptions
from fwibench_baselines.inversionnet import InversionNet
from fwibench_baselines.velocitygan import Critic, VelocityGAN, gradient_penalty
from torch import nn

from fwibench.datasets.base import Dataset
from fwibench.errors import DivergedError
from fwibench.methods.context import RunContext
from fwibench.methods.layers import measure_layers
from tests.tolerances import rounding

SMALL = {"epochs": 2, "batch_size": 5, "n_critic": 2}


@pytest.mark.parametrize(
    ("shape", "parameters", "scores", "mflops"),
    [((70, 70), 1_180_003, 1, 69.906), ((40, 60), 1_176_675, 1, 33.612), ((401, 141), 1_180_003, 110, 750.93)],
    ids=["marmousi", "salt", "leakage"],
)
def test_critic_is_as_published(shape: tuple[int, int], parameters: int, scores: int, mflops: float) -> None:
    critic = Critic(shape).eval()
    assert sum(p.numel() for p in critic.parameters()) == parameters
    assert critic(torch.zeros(2, 1, *shape)).shape == (2, scores)
    layers = measure_layers({"critic": critic}, lambda: critic(torch.zeros(1, 1, *shape)))
    # the published difference to InversionNet counts a multiply-add as one, and two for an element of a batch norm
    normalised = sum(math.prod(layer.shape) for layer in layers if layer.kind == "BatchNorm2d")
    assert (sum(layer.macs for layer in layers) + 2 * normalised) / 1e6 == pytest.approx(mflops, abs=5e-3)


def test_trained_parameters_are_generator_and_critic(salt: Dataset, context: RunContext) -> None:
    complexity = VelocityGAN(salt.problem, VelocityGANOptions(), context).complexity()
    assert complexity.parameters == 13_742_371 + 1_176_675
    layers = VelocityGAN(salt.problem, VelocityGANOptions(), context).layers()
    assert sum(layer.parameters for layer in layers) == complexity.parameters
    assert layers[-1].kind == "Critic (training only)"
    assert complexity.flops / 1e6 == pytest.approx(1928.2, abs=0.1), "predicting needs the generator alone"


def test_gradient_penalty_of_a_linear_critic() -> None:
    critic = nn.Sequential(nn.Flatten(), nn.Linear(6, 1, bias=False))
    nn.init.constant_(critic[1].weight, 2.0)
    generator = torch.Generator().manual_seed(0)
    real, fake = torch.randn(2, 4, 1, 2, 3, generator=generator)
    share = torch.rand(4, 1, 1, 1, generator=generator)
    expected = (2 * 6**0.5 - 1) ** 2
    assert gradient_penalty(critic, real, fake, share).item() == pytest.approx(expected, rel=rounding(terms=6))


def fit(salt: Dataset, context: RunContext, kind: type = VelocityGAN, **options: object) -> VelocityGAN:
    method = kind(salt.problem, VelocityGANOptions(**{**SMALL, **options}), context)
    method.fit(salt.split("random", "train"), salt.split("random", "val"))
    return method


@pytest.mark.parametrize("precision", ["float32", pytest.param("bf16", marks=pytest.mark.slow)])
def test_networks_take_their_numbers_of_steps(precision: str, salt: Dataset, context: RunContext) -> None:
    method = VelocityGAN(salt.problem, VelocityGANOptions(**SMALL, precision=precision), context)
    before = [p.detach().clone() for p in (*method.network.parameters(), *method.companions["critic"].parameters())]
    method.fit(salt.split("random", "train"), salt.split("random", "val"))
    after = [*method.network.parameters(), *method.companions["critic"].parameters()]
    assert not any(torch.equal(a, b) for a, b in zip(before, after, strict=True) if a.dim() > 1)
    assert {"train_loss", "train_critic_distance", "train_gradient_penalty", "val_loss"} <= set(method.history[0])
    assert method.updates_per_epoch("critic", 3) == 3
    assert method.updates_per_epoch("network", 3) == 2


class Killed(VelocityGAN):
    def training_step(self, trainer, inputs, target):
        if trainer.epoch == 1:
            raise KeyboardInterrupt
        return super().training_step(trainer, inputs, target)


@pytest.mark.slow
def test_resumed_fit_ends_with_the_same_bits(salt: Dataset, context: RunContext, tmp_path: Path) -> None:
    whole = fit(salt, dataclasses.replace(context, workdir=tmp_path / "whole"))
    with pytest.raises(KeyboardInterrupt):
        fit(salt, context, Killed)
    resumed = fit(salt, context)
    measurements = salt.split("random", "test").measurements[:]
    np.testing.assert_array_equal(whole.predict(measurements), resumed.predict(measurements))
    assert [e["train_critic_distance"] for e in whole.history] == [e["train_critic_distance"] for e in resumed.history]


def test_diverging_critic_ends_the_fit(salt: Dataset, context: RunContext) -> None:
    with pytest.raises(DivergedError, match="loss of the critic is (inf|nan) at step 1"):
        fit(salt, context, gradient_penalty=1e45)


def test_squared_error_has_its_weight(salt: Dataset, context: RunContext) -> None:
    prediction, target = torch.tensor([[1.0, -1.0]]), torch.tensor([[0.0, 2.0]])
    for weight, expected in ((0.0, 2.0), (0.5, 2.0 + 0.5 * 5.0)):
        method = InversionNet(salt.problem, InversionNetOptions(l2_weight=weight), context)
        assert method.loss(prediction, target).item() == expected
    with pytest.raises(DivergedError, match="loss of the network is (inf|nan) at step 2"):
        fit(salt, context, l2_weight=1e45)
