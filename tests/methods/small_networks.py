"""Small networks for tests of trainings."""

from typing import Any

import torch
from torch import nn

from fwibench.methods.torch_method import TorchMethod


class Small(TorchMethod):
    def build(self) -> nn.Module:
        layers = nn.AvgPool2d((60, 10)), nn.Flatten(), nn.Linear(300, 16), nn.BatchNorm1d(16), nn.Dropout(0.2)
        return nn.Sequential(*layers, nn.Linear(16, 2400), nn.Unflatten(1, (1, 40, 60)))


class Stopped(Small):
    def training_step(self, trainer: Any, inputs: torch.Tensor, target: torch.Tensor) -> dict[str, torch.Tensor]:
        if trainer.epoch == 2:
            raise KeyboardInterrupt
        return super().training_step(trainer, inputs, target)


class OwnLoss(Small):
    """Its loss takes more than the base's."""

    def loss(self, prediction: torch.Tensor, target: torch.Tensor, weight: float) -> torch.Tensor:  # type: ignore[override]
        return weight * super().loss(prediction, target)

    def training_step(self, trainer: Any, inputs: torch.Tensor, target: torch.Tensor) -> dict[str, torch.Tensor]:
        loss = self.loss(trainer.network(inputs), target, 2.0)
        trainer.step(loss)
        return {"loss": loss.detach()}


def bits(method: Small) -> list[bytes]:
    return [weight.numpy().tobytes() for weight in method.network.state_dict().values()]
