"""The Latent U-Net: data encoder, U-Net between latent images, and map decoder."""

from __future__ import annotations

from fwibench_baselines.inversionnet import build_scaling
from torch import Tensor, nn

from fwibench.errors import UnsuitableError
from fwibench.methods.torch_method import TorchMethod
from fwibench.problem import Problem
from fwibench_latent_unet import LatentUNetOptions
from fwibench_latent_unet.decoder import build_decoder
from fwibench_latent_unet.encoder import build_encoder
from fwibench_latent_unet.unet import UNet


def build_network(problem: Problem, options: LatentUNetOptions) -> nn.Sequential:
    """Return the network from normalised measurements `(n, S, T, R)` to normalised maps `(n, 1, Z, X)`.

    Args:
        problem: The problem.
        options: Options of the Latent U-Net.
    """
    shape, channels = problem.grid.shape, options.channels
    return nn.Sequential(
        build_encoder(problem, channels, options.latent_shape(shape), folded=options.arrangement == "image"),
        UNet(channels, options.repeat, options.skips),
        build_decoder(channels, shape),
    )


class LatentUNet(TorchMethod):
    """The Latent U-Net, trained on the mean absolute error of normalised maps, and optionally the mean squared one."""

    def build_encoder(self) -> nn.Module:
        """Return the normalisation of measurements.

        Raises:
            UnsuitableError: The options do not suit the problem.
        """
        if reason := self.options.refusal(self.problem):
            raise UnsuitableError(f"{self.context.method or 'latent-unet'}: {reason}")
        return build_scaling(self.problem, log=self.options.log)

    def build(self) -> nn.Module:
        """Return the network for the shapes of the problem."""
        return build_network(self.problem, self.options)

    def loss(self, prediction: Tensor, target: Tensor) -> Tensor:
        """Return the mean absolute error, plus `l2_weight` times the mean squared error, of normalised maps."""
        error, weight = nn.functional.l1_loss(prediction, target), self.options.l2_weight
        return error + weight * nn.functional.mse_loss(prediction, target) if weight else error
