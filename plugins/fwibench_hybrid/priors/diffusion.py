"""Prior `diffusion`: a network that removes noise from train maps says which models look like them.

Regularisation by denoising diffusion as in RED-DiffEq (Shi et al., Communications Physics 2026,
10.1038/s42005-026-02677-6): at each iteration the model is mixed with noise of a random level, and the network predicts
that noise. What it predicts beyond the noise that was added is the direction in which the model leaves the train maps.

Invariant: level and noise of an iteration depend on its number only, so samples of a batch do not influence each other
and a continued inversion is the same as an uninterrupted one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import fmean

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss, pad

from fwibench.methods.context import RunContext
from fwibench.methods.precision import own_generators
from fwibench.methods.unet import UNet
from fwibench.seeds import derive_seed

CHANNELS = 8
"""Channels of the network at the resolution of the map, which give 123 thousand parameters."""
FREQUENCIES = 8
"""Number of sines, and of cosines, that tell the network the level of noise; the shortest period is 2 / 8."""
BATCH = 8
"""Number of maps of a training step."""
LEARNING_RATE = 2e-3
"""Highest learning rate of Adam; it rises and falls along a cosine."""
SHIFT = (2, 6)
"""Largest shift of train maps along depth and x [cells]."""
LEVELS = (0.02, 0.98)
"""Lowest and highest level of noise, of 0 to 1: at the ends map or noise vanish."""
REPORTED = 50
"""Training steps between two reports, over which the loss is averaged."""


class Denoiser(nn.Module):
    """Predicts the noise in maps; images may have any size.

    The U-Net predicts the velocity of the diffusion (Salimans and Ho, ICLR 2022), from which noise and map follow
    equally well at all levels.
    """

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, CHANNELS, 3, padding=1)
        self.level = nn.Sequential(nn.Linear(2 * FREQUENCIES, CHANNELS), nn.SiLU(), nn.Linear(CHANNELS, CHANNELS))
        self.unet = UNet(CHANNELS)
        self.last = nn.Conv2d(CHANNELS, 1, 1)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]
        # convolutions of few channels on a CPU take two thirds of the time
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, noisy: Tensor, levels: Tensor) -> Tensor:
        """Return the noise in normalised maps.

        Args:
            noisy: Maps mixed with noise `(n, 1, Z, X)`, see `mix`.
            levels: Levels of the noise `(n, 1, 1, 1)`, from 0 to 1.
        """
        phases = math.pi * levels.flatten(1) * torch.arange(1, FREQUENCIES + 1, device=levels.device)
        known = self.level(torch.cat([phases.sin(), phases.cos()], 1))
        keep, noise = shares(levels)
        velocity: Tensor = self.last(self.unet(self.stem(noisy) + known[:, :, None, None]))
        return noise * noisy + keep * velocity


def shares(levels: Tensor) -> tuple[Tensor, Tensor]:
    """Return the shares of map and noise at a level, along a cosine (Nichol and Dhariwal, ICML 2021).

    Args:
        levels: Levels from 0, the map, to 1, noise alone.
    """
    return torch.cos(math.pi / 2 * levels), torch.sin(math.pi / 2 * levels)


def mix(maps: Tensor, levels: Tensor, noise: Tensor) -> Tensor:
    """Return normalised maps `(n, 1, Z, X)` mixed with noise of unit variance.

    Args:
        maps: The maps.
        levels: Levels, broadcast to the maps.
        noise: The noise, broadcast to the maps.
    """
    keep, share = shares(levels)
    return keep * maps + share * noise


def augment(maps: Tensor, generator: torch.Generator) -> Tensor:
    """Return maps `(n, 1, Z, X)` that are mirrored at random, and shifted together by at most `SHIFT`.

    Args:
        maps: The maps.
        generator: Random generator of the CPU.
    """
    mirrored = (torch.rand(len(maps), 1, 1, 1, generator=generator) < 0.5).to(maps.device)
    down, along = (int(torch.randint(2 * most + 1, (), generator=generator)) for most in SHIFT)
    padded = pad(maps.where(~mirrored, maps.flip(-1)), (SHIFT[1], SHIFT[1], SHIFT[0], SHIFT[0]), mode="replicate")
    return padded[..., down : down + maps.shape[2], along : along + maps.shape[3]]


def train_denoiser(maps: Tensor, steps: int, context: RunContext) -> tuple[Denoiser, list[float]]:
    """Train a network on normalised train maps until the steps are taken or the deadline comes.

    Args:
        maps: The maps `(n, 1, Z, X)`, on the device of the fit.
        steps: Number of training steps.
        context: Gives random seeds and the deadline, and receives reports.

    Returns:
        The network, and the mean squared error of the noise in each step.
    """
    with own_generators(maps.device):
        torch.manual_seed(context.seed("init"))
        network = Denoiser().to(maps.device)
    order, random = (torch.Generator().manual_seed(context.seed(stream)) for stream in ("data", "augment"))
    optimiser = torch.optim.Adam(network.parameters(), LEARNING_RATE)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, LEARNING_RATE, steps + 1, cycle_momentum=False)
    losses: list[float] = []
    for step in range(1, steps + 1):
        if context.should_stop():
            break
        chosen = torch.randint(len(maps), (BATCH,), generator=order).to(maps.device)
        batch = augment(maps[chosen], random)
        levels = torch.rand(len(batch), 1, 1, 1, generator=random).to(maps.device)
        noise = torch.randn(batch.shape, generator=random).to(maps.device)
        loss = mse_loss(network(mix(batch, levels, noise), levels), noise)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        losses.append(float(loss.detach()))
        if step % REPORTED == 0:
            context.report(step=step, steps=steps, loss=fmean(losses[-REPORTED:]))
    return network, losses


def penalty_of(network: Denoiser, weight: float, seed: int) -> Callable[[Tensor, int], Tensor]:
    """Return the penalty `(n,)` of normalised maps `(n, 1, Z, X)` at an iteration.

    Its value is 0, since that of the published term, the mean product of map and surplus noise, says nothing about a
    map; its gradient is that of the term.

    Args:
        network: The trained network.
        weight: Weight of the penalty.
        seed: Seed of levels and noise.
    """
    network.eval().requires_grad_(False)

    def evaluate(maps: Tensor, iteration: int) -> Tensor:
        with torch.no_grad():
            random = torch.Generator().manual_seed(derive_seed(seed, iteration))
            level = torch.rand((), generator=random) * (LEVELS[1] - LEVELS[0]) + LEVELS[0]
            noise = torch.randn((1, *maps.shape[1:]), generator=random).to(maps.device)
            surplus = surplus_noise(network, maps, level.to(maps.device).expand(len(maps), 1, 1, 1), noise)
        return weight * (surplus * (maps - maps.detach())).mean((1, 2, 3))

    return evaluate


def surplus_noise(network: Denoiser, maps: Tensor, levels: Tensor, noise: Tensor) -> Tensor:
    """Return the noise that the network finds in noisy maps beyond what was added; 0 for a map that it restores.

    The restored map is clipped to the bounds of the property first.

    Args:
        network: The trained network.
        maps: Normalised maps `(n, 1, Z, X)`.
        levels: Levels `(n, 1, 1, 1)` above 0 and below 1.
        noise: The added noise, broadcast to the maps.
    """
    noisy = mix(maps, levels, noise)
    keep, share = shares(levels)
    restored = ((noisy - share * network(noisy, levels)) / keep).clamp(-1, 1)
    # the noise that follows from the restored map, less the added one
    return keep / share * (maps - restored)
