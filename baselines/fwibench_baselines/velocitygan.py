"""VelocityGAN (Zhang and Lin, 2020): InversionNet as the generator of a Wasserstein GAN with gradient penalty.

As in OpenFWI, the critic learns from every batch, and the generator from every fifth batch and the last of an epoch.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from fwibench.methods.convolutions import conv
from fwibench.methods.torch_method import TorchMethod
from fwibench.samples import Split
from fwibench_baselines.inversionnet import build_network, build_scaling, set_untrained

if TYPE_CHECKING:
    from fwibench.methods.training import Trainer

WIDTHS = (32, 64, 128, 256)
"""Number of channels of the stages of the critic."""
LAST_KERNEL = 5
"""Kernel size of the last convolution of the critic; smaller for smaller maps."""


class Critic(nn.Module):
    """The critic: nine convolution blocks, as published.

    The kernel of the last one is 5 x 5, or the size of the remaining map if that is smaller (3 x 4 on salt).

    Args:
        shape: Shape `(Z, X)` of the maps.
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
        """Return scores `(n, k)` of normalised maps `(n, 1, Z, X)`."""
        return self.layers(maps).flatten(1)


def gradient_penalty(critic: nn.Module, real: Tensor, fake: Tensor, share: Tensor) -> Tensor:
    """Return the mean squared deviation of the norm of the critic's gradient from 1, between real and fake maps.

    The gradient is that of the sum of all scores.

    Args:
        critic: The critic.
        real: Normalised true maps `(n, 1, Z, X)`.
        fake: Normalised predicted maps of the same shape.
        share: Share of the real map of each sample, `(n, 1, 1, 1)`.
    """
    between = (share * real + (1 - share) * fake).requires_grad_()
    (gradient,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    return (gradient.flatten(1).norm(dim=1) - 1).square().mean()


class VelocityGAN(TorchMethod):
    """VelocityGAN; the generator predicts, and the critic is used in training only."""

    def build_encoder(self) -> nn.Module:
        """Return the normalisation of measurements, that of InversionNet."""
        return build_scaling(self.problem, log=self.options.log)

    def build(self) -> nn.Module:
        """Return the generator, which is InversionNet."""
        return build_network(self.problem)

    def fit(self, train: Split, val: Split) -> None:
        """See `TorchMethod.fit`; a network without weights starts as the option `untrained` says."""
        if self.options.untrained == "train" and not self._ready:
            set_untrained(self.network, train, self.problem.property)
        super().fit(train, val)

    def build_companions(self) -> dict[str, nn.Module]:
        """Return the critic."""
        return {"critic": Critic(self.problem.grid.shape)}

    def updates_per_epoch(self, part: str, batches: int) -> int:
        """Return one step per batch for the critic, and one per `n_critic` batches for the generator."""
        return batches if part == "critic" else math.ceil(batches / self.options.n_critic)

    def training_step(self, trainer: Trainer, inputs: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Take a step of the critic and, if it is due, one of the generator.

        Args:
            trainer: See `TorchMethod.training_step`.
            inputs: See `TorchMethod.training_step`.
            target: See `TorchMethod.training_step`.

        Returns:
            `critic_distance` and `gradient_penalty`, and the mean absolute error as `loss` if the generator learns.
        """
        options, critic = self.options, trainer.parts["critic"].module
        due = trainer.batch % options.n_critic == 0 or trainer.batch == trainer.batches
        with torch.set_grad_enabled(due):
            made = trainer.network(inputs)
        fake = made.detach()
        distance = critic(fake).mean() - critic(target).mean()
        # the plain critic computes in float32, which second derivatives need at every training precision
        penalty = gradient_penalty(trainer.parts["critic"].plain, target, fake, trainer.uniform())
        trainer.step(distance + options.gradient_penalty * penalty, "critic")
        scalars = {"critic_distance": distance.detach(), "gradient_penalty": penalty.detach()}
        if due:
            error = nn.functional.l1_loss(made, target)
            loss = options.l1_weight * error - options.adversarial_weight * critic(made).mean()
            if options.l2_weight:
                loss = loss + options.l2_weight * nn.functional.mse_loss(made, target)
            trainer.step(loss)
            scalars["loss"] = error.detach()
        return scalars
