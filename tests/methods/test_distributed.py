"""One fit on two processes of the CPU."""

import dataclasses
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from fwibench.datasets.base import Dataset
from fwibench.errors import DivergedError, MethodError, UnsuitableError
from fwibench.methods.context import RunContext
from fwibench.methods.distributed import Peers
from fwibench.methods.torch_method import TorchMethod
from fwibench.specs.method import TrainingOptions
from tests.tolerances import assert_same_signal

OPTIONS: dict[str, Any] = {"epochs": 7, "batch_size": 5, "schedule": "one-cycle"}
"""Three batches an epoch, of 5, 5 and 4 samples, so that shares differ in size: 21 steps."""
LOSS = 1e-5
"""Largest relative difference of losses: float32 sums in another order, and AdamW steps by the sign of what rounding
leaves of a gradient of almost zero."""


class Plain(TorchMethod):
    """Smooth and without batch statistics, which PyTorch does not share out between processes of a CPU."""

    def build(self) -> nn.Module:
        layers = [nn.AvgPool2d((60, 10)), nn.Flatten(), nn.Linear(300, 16), nn.Tanh(), nn.Linear(16, 2400)]
        return nn.Sequential(*layers, nn.Unflatten(1, (1, 40, 60)))

    def loss(self, prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return nn.functional.mse_loss(prediction, target)


class Gan(Plain):
    """A generator and a critic with a penalty, whose random numbers belong to samples."""

    def build_companions(self) -> dict[str, nn.Module]:
        return {"critic": nn.Sequential(nn.Flatten(), nn.Linear(2400, 8), nn.Tanh(), nn.Linear(8, 1))}

    def updates_per_epoch(self, part: str, batches: int) -> int:
        return batches if part == "critic" else -(-batches // 2)

    def training_step(self, trainer: Any, inputs: torch.Tensor, target: torch.Tensor) -> dict[str, torch.Tensor]:
        critic, due = trainer.parts["critic"].module, trainer.batch % 2 == 0 or trainer.batch == trainer.batches
        with torch.set_grad_enabled(due):
            made = trainer.network(inputs)
        share, fake = trainer.uniform(), made.detach()
        between = (share * target + (1 - share) * fake).requires_grad_()
        scores = trainer.parts["critic"].plain(between)
        (gradient,) = torch.autograd.grad(scores.sum(), between, create_graph=True)
        penalty = (gradient.flatten(1).norm(dim=1) - 1).square().mean()
        distance = critic(fake).mean() - critic(target).mean()
        trainer.step(distance + penalty, "critic")
        scalars = {"penalty": penalty.detach()}
        if due:
            loss = self.loss(made, target)
            trainer.step(loss - critic(made).mean())
            scalars["loss"] = loss.detach()
        return scalars


class Norms(Gan):
    """Batch statistics in both parts, and dropout."""

    def build(self) -> nn.Module:
        layers = [nn.AvgPool2d((60, 10)), nn.Flatten(), nn.Linear(300, 16), nn.BatchNorm1d(16), nn.Dropout(0.2)]
        return nn.Sequential(*layers, nn.Linear(16, 2400), nn.Unflatten(1, (1, 40, 60)))

    def build_companions(self) -> dict[str, nn.Module]:
        layers = [nn.Flatten(), nn.Linear(2400, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Linear(8, 1)]
        return {"critic": nn.Sequential(*layers)}


@dataclasses.dataclass(frozen=True)
class OneStops(RunContext):
    """The deadline passes for process 1 alone, after some questions."""

    patience: int = 1000
    asked: list[int] = dataclasses.field(default_factory=list)

    def should_stop(self) -> bool:
        self.asked.append(1)
        return os.environ["LOCAL_RANK"] == "1" and len(self.asked) > self.patience


def fit(salt: Dataset, folder: Path, kind: type[TorchMethod] = Plain, devices: int = 2, **changes: Any) -> TorchMethod:
    folder.mkdir(exist_ok=True)
    patience = changes.pop("patience", None)
    common: dict[str, Any] = {"workdir": folder, "dataset": "salt", "method": "test", "devices": devices}
    common["on_report"] = changes.pop("on_report", lambda scalars: None)
    context = RunContext(**common) if patience is None else OneStops(**common, patience=patience)
    method = kind(salt.problem, TrainingOptions(**{**OPTIONS, **changes}), context)
    method.fit(salt.split("random", "train"), salt.split("random", "val"))
    return method


def losses(method: TorchMethod) -> list[list[float]]:
    names = sorted(name for name in method.history[0] if name.startswith(("train", "val")))
    return [[entry[name] for name in names] for entry in method.history]


@pytest.mark.slow
@pytest.mark.parametrize("kind", [Plain, Gan])
def test_two_processes_have_the_losses_of_one(kind: type[TorchMethod], salt: Dataset, tmp_path: Path) -> None:
    reports: list[dict[str, float]] = []
    before = dict(os.environ), torch.get_rng_state()
    two = fit(salt, tmp_path / "two", kind, on_report=reports.append)
    assert dict(os.environ) == before[0]
    assert torch.equal(torch.get_rng_state(), before[1])
    one = fit(salt, tmp_path / "one", kind, devices=1)
    np.testing.assert_allclose(losses(two), losses(one), rtol=LOSS)
    assert [report["step"] for report in reports] == list(range(1, 8)), "process 0 alone reports"
    assert not (tmp_path / "two" / "fit.pt").exists()
    for a, b in zip(two.network.state_dict().values(), one.network.state_dict().values(), strict=True):
        assert_same_signal(a, b, 1e-3)
    measurements = salt.split("random", "test").measurements[:]
    assert_same_signal(two.predict(measurements), one.predict(measurements), 1e-4)


@pytest.mark.slow
def test_resumed_fit_of_two_processes_ends_with_the_same_bits(salt: Dataset, tmp_path: Path) -> None:
    whole = fit(salt, tmp_path / "whole", Norms, epochs=4)
    # the deadline passes in the third epoch, and the next fit continues from the checkpoint of the second
    stopped = fit(salt, tmp_path / "stopped", Norms, epochs=4, patience=7)
    assert len(stopped.history) == 2, "both processes stop where one of them must"
    resumed = fit(salt, tmp_path / "stopped", Norms, epochs=4)
    assert losses(resumed) == losses(whole)
    assert resumed.resumed_s > 0
    for a, b in zip(whole.network.state_dict().values(), resumed.network.state_dict().values(), strict=True):
        assert torch.equal(a, b)


class Dies(Plain):
    def training_step(self, trainer: Any, inputs: torch.Tensor, target: torch.Tensor) -> dict[str, torch.Tensor]:
        if trainer.step_count == 2 and trainer.fabric.global_rank == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().training_step(trainer, inputs, target)


class Explodes(Plain):
    def training_step(self, trainer: Any, inputs: torch.Tensor, target: torch.Tensor) -> dict[str, torch.Tensor]:
        loss = self.loss(trainer.network(inputs), target)
        trainer.step(loss / (0.0 if trainer.step_count == 2 and trainer.fabric.global_rank == 1 else 1.0))
        return {"loss": loss.detach()}


@pytest.mark.slow
def test_process_that_is_killed_ends_the_fit(salt: Dataset, tmp_path: Path) -> None:
    with pytest.raises((MethodError, RuntimeError), match=r"ended with signal SIGKILL|[Cc]onnection|peer"):
        fit(salt, tmp_path, Dies)


@pytest.mark.slow
def test_error_of_one_process_is_that_of_the_fit(salt: Dataset, tmp_path: Path) -> None:
    with pytest.raises(DivergedError, match=r"loss of the network is inf at step 2 \(epoch 0\)"):
        fit(salt, tmp_path, Explodes)


@pytest.mark.slow
def test_batches_too_small_for_the_devices_are_unsuitable(salt: Dataset, tmp_path: Path) -> None:
    with pytest.raises(UnsuitableError, match="batches of 2 samples cannot be shared out to 2 devices, each of which"):
        fit(salt, tmp_path, Norms, batch_size=2)


class Unpicklable(Plain):
    def build(self) -> nn.Module:
        self.function = lambda: None
        return super().build()


def test_method_that_cannot_be_copied_is_an_error(salt: Dataset, tmp_path: Path) -> None:
    with pytest.raises(MethodError, match="Unpicklable cannot be copied to the processes of 2 devices"):
        fit(salt, tmp_path, Unpicklable)


class Launched:
    """A Fabric that answers for one of several processes."""

    def __init__(self, rank: int, size: int, device: str = "cpu") -> None:
        self.global_rank, self.world_size, self.device = rank, size, torch.device(device)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_shares_divide_a_batch_evenly(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.distributed, "new_group", lambda backend: None)
    for samples in range(1, 12):
        rows = np.arange(samples)
        shares = [rows[Peers(Launched(rank, size)).share(samples)] for rank in range(size)]  # type: ignore[arg-type]
        assert np.array_equal(np.concatenate(shares), rows)
        assert max(map(len, shares)) - min(map(len, shares)) <= 1


@pytest.mark.parametrize(("size", "device", "synchronised"), [(1, "cuda", False), (2, "cpu", False), (2, "cuda", True)])
def test_batch_statistics_are_synchronised_on_several_gpus(
    size: int, device: str, synchronised: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.distributed, "new_group", lambda backend: None)
    plain = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    found = Peers(Launched(0, size, device)).synchronise(plain)  # type: ignore[arg-type]
    assert type(plain[1]) is nn.BatchNorm2d, "the penalty of a GAN differentiates it twice"
    assert any(isinstance(one, nn.SyncBatchNorm) for one in found.modules()) == synchronised
    before, after = ({**dict(one.named_parameters()), **dict(one.named_buffers())} for one in (plain, found))
    assert before.keys() == after.keys()
    assert all(after[name] is tensor for name, tensor in before.items()), "weights and statistics are shared"
