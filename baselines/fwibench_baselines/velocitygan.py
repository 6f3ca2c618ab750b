"""VelocityGAN: InversionNet as the generator of a Wasserstein GAN with gradient penalty.

Zhang and Lin (2020), with OpenFWI's recipe: the critic learns from every batch, the generator from every
fifth and from the last of an epoch.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from fwibench.methods.convolutions import conv
from fwibench.methods.torch_method import TorchMethod
from fwibench_baselines.inversionnet import build_network, build_scaling

if TYPE_CHECKING:
    from fwibench.methods.training import Trainer

WIDTHS = (32, 64, 128, 256)
LAST_KERNEL = 5


class Critic(nn.Module):
    """Scores maps: nine convolution blocks, the last one included, as published.

    The last kernel is 5 x 5, or what remains of a smaller map (3 x 4 on salt).

    Args:
        shape: `(Z, X)`.
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        height, width = shape
        for before, after in pairwise((1, *WIDTHS)):
            layers += [conv(before, after, (3, 3), (2, 2)), conv(after, after, (3, 3))]
            height, width = math.ceil(height / 2), math.ceil(width / 2)
        kernel = min(LAST_KERNEL, height), min(LAST_KERNEL, width)
        self.layers = nn.Sequential(*layers, conv(WIDTHS[-1], 1, kernel, padding=(0, 0)))

    def forward(self, maps: Tensor) -> Tensor:
        """Normalised maps `(n, 1, Z, X)` to scores `(n, k)`."""
        return self.layers(maps).flatten(1)


def gradient_penalty(critic: nn.Module, real: Tensor, fake: Tensor) -> Tensor:
    """Squared distance of the critic's gradient norm from 1, between real and fake maps.

    A critic with several scores is differentiated as their sum.
    """
    share = torch.rand(len(real), 1, 1, 1, device=real.device)
    between = (share * real + (1 - share) * fake).requires_grad_()
    (gradient,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    return (gradient.flatten(1).norm(dim=1) - 1).square().mean()


class VelocityGAN(TorchMethod):
    """The generator predicts; the critic is needed for training alone."""

    def build_encoder(self) -> nn.Module:
        """As InversionNet's."""
        return build_scaling(self.problem, log=self.options.log)

    def build(self) -> nn.Module:
        """The generator: InversionNet."""
        return build_network(self.problem)

    def build_companions(self) -> dict[str, nn.Module]:
        """The critic."""
        return {"critic": Critic(self.problem.grid.shape)}

    def updates_per_epoch(self, part: str, batches: int) -> int:
        """The generator learns from every `n_critic`-th batch and the last."""
        return batches if part == "critic" else math.ceil(batches / self.options.n_critic)

    def training_step(self, trainer: Trainer, inputs: Tensor, target: Tensor) -> dict[str, Tensor]:
        """One step of the critic and, when it is due, one of the generator."""
        options, critic = self.options, trainer.parts["critic"].module
        due = trainer.batch % options.n_critic == 0 or trainer.batch == trainer.batches
        with torch.set_grad_enabled(due):
            made = trainer.network(inputs)
        fake = made.detach()
        distance = critic(fake).mean() - critic(target).mean()
        # not the wrapped critic: a gradient of a gradient is taken in float32, whatever the precision of training
        penalty = gradient_penalty(trainer.parts["critic"].plain, target, fake)
        trainer.step(distance + options.gradient_penalty * penalty, "critic")
        scalars = {"critic_distance": distance.detach(), "gradient_penalty": penalty.detach()}
        if due:
            error = nn.functional.l1_loss(made, target)
            trainer.step(options.l1_weight * error - options.adversarial_weight * critic(made).mean())
            scalars["loss"] = error.detach()
        return scalars
