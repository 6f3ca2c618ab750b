import dataclasses
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from fwibench.datasets.base import Dataset
from fwibench.errors import DivergedError, MethodError
from fwibench.methods.batches import even_batches
from fwibench.methods.context import RunContext
from fwibench.methods.torch_method import TorchMethod
from fwibench.specs.method import TrainingOptions
from tests.tolerances import assert_same_signal


class Small(TorchMethod):
    """A network with dropout and batch statistics, so that every kind of state matters."""

    stop_after: int | None = None

    def build(self) -> nn.Module:
        return nn.Sequential(
            nn.AvgPool2d((60, 10)),
            nn.Flatten(),
            nn.Linear(5 * 10 * 6, 32),
            nn.BatchNorm1d(32),
            nn.Dropout(0.2),
            nn.Linear(32, 2400),
            nn.Unflatten(1, (1, 40, 60)),
        )

    def training_step(self, trainer: Any, inputs: torch.Tensor, target: torch.Tensor) -> dict[str, torch.Tensor]:
        if trainer.epoch == self.stop_after:
            raise KeyboardInterrupt
        return super().training_step(trainer, inputs, target)


def build(salt: Dataset, context: RunContext, kind: type[Small] = Small, **options: object) -> Small:
    return kind(
        salt.problem, TrainingOptions(**{"epochs": 6, "batch_size": 5, "schedule": "one-cycle", **options}), context
    )


def fit(method: Small, salt: Dataset) -> Small:
    method.fit(salt.split("random", "train"), salt.split("random", "val"))
    return method


def weights(method: Small) -> list[torch.Tensor]:
    return list(method.network.state_dict().values())


def test_resumed_fit_ends_with_the_same_bits(salt: Dataset, context: RunContext, tmp_path: Path) -> None:
    whole = fit(build(salt, dataclasses.replace(context, workdir=tmp_path / "whole")), salt)
    killed = build(salt, context)
    killed.stop_after = 3
    with pytest.raises(KeyboardInterrupt):
        fit(killed, salt)
    torch.manual_seed(99)
    resumed = fit(build(salt, context), salt)
    assert all(torch.equal(a, b) for a, b in zip(weights(whole), weights(resumed), strict=True))
    losses = [[entry["train_loss"] for entry in method.history] for method in (whole, resumed)]
    assert losses[0] == losses[1]
    assert len(losses[0]) == 6
    assert resumed.resumed_s > 0
    assert resumed.samples_seen == whole.samples_seen == 6 * 14


def test_result_depends_on_the_seed(salt: Dataset, context: RunContext, tmp_path: Path) -> None:
    def run(name: str, repetition: int) -> list[torch.Tensor]:
        there = dataclasses.replace(context, workdir=tmp_path / name, repetition=repetition)
        return weights(fit(build(salt, there, epochs=1), salt))

    first, again, other = run("a", 0), run("b", 0), run("c", 1)
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(first, other, strict=True))


class GetsWorse(Small):
    """Descends for three epochs, then climbs."""

    def training_step(self, trainer: Any, inputs: torch.Tensor, target: torch.Tensor) -> dict[str, torch.Tensor]:
        loss = self.loss(trainer.network(inputs), target)
        trainer.step(loss if trainer.epoch < 3 else -loss)
        return {"loss": loss.detach()}


def test_weights_of_the_best_epoch_on_val_are_kept(salt: Dataset, context: RunContext) -> None:
    method = fit(build(salt, context, GetsWorse, learning_rate=0.05, schedule="constant"), salt)
    losses = [entry["val_loss"] for entry in method.history]
    assert min(losses) < losses[-1]
    val = salt.split("random", "val")
    error = np.abs(method.predict(val.measurements[:]) - val.properties[:]).mean() / 1500
    assert error == pytest.approx(min(losses), rel=1e-3), "another epoch of this fit differs by more"


class Exploding(Small):
    def loss(self, prediction: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        return super().loss(prediction, target) * float("inf")


@dataclasses.dataclass(frozen=True)
class Impatient(RunContext):
    """Says stop after so many questions."""

    patience: int = 0
    asked: list[int] = dataclasses.field(default_factory=list)

    def should_stop(self) -> bool:
        self.asked.append(1)
        return len(self.asked) > self.patience


@pytest.mark.parametrize(("batches", "epochs"), [(0, 0), (2, 0), (4, 1), (7, 2)])
def test_fit_stopped_by_the_deadline_keeps_its_best_epoch(
    salt: Dataset, tmp_path: Path, batches: int, epochs: int
) -> None:
    context = Impatient(workdir=tmp_path, dataset="salt", method="test", patience=batches)
    stopped = fit(build(salt, context, schedule="constant"), salt)
    assert len(stopped.history) == epochs, "there are three batches an epoch"
    measurements = salt.split("random", "test").measurements[:]
    assert np.isfinite(stopped.predict(measurements)).all()
    if not epochs:
        return
    short = RunContext(workdir=tmp_path / "short", dataset="salt", method="test")
    whole = fit(build(salt, short, schedule="constant", epochs=epochs), salt)
    assert np.array_equal(stopped.predict(measurements), whole.predict(measurements))


def test_nonfinite_loss_ends_the_fit(salt: Dataset, context: RunContext) -> None:
    with pytest.raises(DivergedError, match=r"loss of the network is inf at step 1 \(epoch 0\)"):
        fit(build(salt, context, Exploding), salt)


def test_max_batches_limits_the_epochs(salt: Dataset, context: RunContext) -> None:
    method = fit(build(salt, context, epochs=50, batch_size=5, max_batches=7), salt)
    assert [entry["epoch"] for entry in method.history] == [1, 2, 3], "14 samples make 3 batches an epoch"
    assert method.history[-1]["learning_rate"] > 0


def test_min_batches_raises_the_epochs(salt: Dataset, context: RunContext) -> None:
    method = fit(build(salt, context, epochs=1, batch_size=5, min_batches=7), salt)
    assert [entry["epoch"] for entry in method.history] == [1, 2, 3], "14 samples make 3 batches an epoch"
    assert method.history[-1]["learning_rate"] < 1e-3 * method.options.learning_rate, (
        "one-cycle ends with the last epoch"
    )


def test_last_weights_are_kept_on_request(salt: Dataset, context: RunContext, tmp_path: Path) -> None:
    settings = {"learning_rate": 0.05, "schedule": "constant"}
    best, last = (
        fit(build(salt, dataclasses.replace(context, workdir=tmp_path / keep), GetsWorse, keep=keep, **settings), salt)
        for keep in ("best", "last")
    )
    val = salt.split("random", "val")
    found = [np.abs(one.predict(val.measurements[:]) - val.properties[:]).mean() / 1500 for one in (best, last)]
    losses = [entry["val_loss"] for entry in last.history]
    assert losses == [entry["val_loss"] for entry in best.history]
    assert found == pytest.approx([min(losses), losses[-1]], rel=1e-3)
    assert losses[-1] > min(losses)


class Sized(Small):
    def training_step(self, trainer: Any, inputs: torch.Tensor, target: torch.Tensor) -> dict[str, torch.Tensor]:
        self.sizes = [*getattr(self, "sizes", []), len(inputs)]
        return super().training_step(trainer, inputs, target)


@pytest.mark.parametrize(("drop_last", "sizes"), [(False, [5, 5, 4]), (True, [5, 5])])
def test_samples_seen_are_those_of_all_batches(
    drop_last: bool, sizes: list[int], salt: Dataset, context: RunContext
) -> None:
    method = fit(build(salt, context, Sized, epochs=2, drop_last=drop_last), salt)
    assert method.sizes == [*sizes, *sizes]  # type: ignore[attr-defined]
    assert method.samples_seen == 2 * sum(sizes)


class Plain(Small):
    """No batch statistics and no dropout, so that a batch in pieces has the gradient of the whole."""

    def build(self) -> nn.Module:
        layers = [nn.AvgPool2d((60, 10)), nn.Flatten(), nn.Linear(300, 2400), nn.Unflatten(1, (1, 40, 60))]
        return nn.Sequential(*layers)


class NeedsMemory(Plain):
    fits = 2

    def training_step(self, trainer: Any, inputs: torch.Tensor, target: torch.Tensor) -> dict[str, torch.Tensor]:
        if len(inputs) > self.fits:
            raise torch.OutOfMemoryError("for the test")
        return super().training_step(trainer, inputs, target)


def test_batch_beyond_memory_is_divided_with_the_same_effect(
    salt: Dataset, context: RunContext, tmp_path: Path
) -> None:
    whole = fit(build(salt, dataclasses.replace(context, workdir=tmp_path / "whole"), Plain), salt)
    cut = fit(build(salt, context, NeedsMemory), salt)
    for a, b in zip(weights(whole), weights(cut), strict=True):
        # AdamW turns a gradient that rounding decides into a step of the learning rate, so single weights may differ
        assert_same_signal(b, a, 1e-3)
    assert cut.history[-1]["train_loss"] == pytest.approx(whole.history[-1]["train_loss"], rel=1e-3)


class Adversarial(Plain):
    """Steps of two parts a batch; the loss of the second reaches the first."""

    def build_companions(self) -> dict[str, nn.Module]:
        return {"critic": nn.Sequential(nn.Flatten(), nn.Linear(2400, 1))}

    def training_step(self, trainer: Any, inputs: torch.Tensor, target: torch.Tensor) -> dict[str, torch.Tensor]:
        critic, made = trainer.parts["critic"].module, trainer.network(inputs)
        trainer.step(critic(made.detach()).mean() - critic(target).mean(), "critic")
        weight = self.companions["critic"][1].weight
        before = weight.grad.clone()
        loss = self.loss(made, target) - critic(made).mean()
        trainer.step(loss)
        assert torch.equal(weight.grad, before), "pieces of a batch would add this to the critic's own"
        return {"loss": loss.detach()}


def test_step_leaves_no_gradients_in_other_parts(salt: Dataset, context: RunContext) -> None:
    assert len(fit(build(salt, context, Adversarial, epochs=1), salt).history) == 1


class RunsOutBetweenSteps(Plain):
    """A companion learns from every batch; memory runs out once, after it did."""

    ran_out = False

    def build_companions(self) -> dict[str, nn.Module]:
        return {"companion": nn.Linear(1, 1)}

    def training_step(self, trainer: Any, inputs: torch.Tensor, target: torch.Tensor) -> dict[str, torch.Tensor]:
        trainer.step(trainer.parts["companion"].module(target.mean().view(1)).square().sum(), "companion")
        if not self.ran_out and len(inputs) > 1:
            self.ran_out = True
            raise torch.OutOfMemoryError("for the test")
        self.schedules = {name: part.schedule.last_epoch for name, part in trainer.parts.items()}
        return super().training_step(trainer, inputs, target)


def test_repeated_batch_takes_no_step_twice(salt: Dataset, context: RunContext) -> None:
    method = fit(build(salt, context, RunsOutBetweenSteps), salt)
    assert method.ran_out
    assert method.schedules["companion"] == method.schedules["network"] + 1


class NeedsTooMuch(NeedsMemory):
    fits = 0


def test_sample_beyond_memory_raises_out_of_memory(salt: Dataset, context: RunContext) -> None:
    with pytest.raises(torch.OutOfMemoryError):
        fit(build(salt, context, NeedsTooMuch), salt)


@pytest.mark.parametrize(
    "job",
    [
        {},
        {"SLURM_JOB_ID": "7", "SLURM_JOB_NAME": "fwi", "SLURM_NTASKS": "2", "SLURM_PROCID": "1", "SLURM_LOCALID": "1"},
        {"TORCHELASTIC_RUN_ID": "7", "WORLD_SIZE": "2", "RANK": "1", "LOCAL_RANK": "1", "MASTER_ADDR": "localhost"},
    ],
)
def test_fit_in_a_job_of_a_cluster_is_no_task_of_it(
    job: dict[str, str], salt: Dataset, context: RunContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    srun = tmp_path / "bin" / "srun"
    srun.parent.mkdir()
    srun.touch(0o755)
    monkeypatch.setenv("PATH", f"{srun.parent}{os.pathsep}{os.environ['PATH']}")
    for name, value in job.items():
        monkeypatch.setenv(name, value)
    method = fit(build(salt, context, epochs=1), salt)
    assert len(method.history) == 1


@pytest.mark.parametrize("precision", ["float32", "tf32", "bf16"])
def test_every_precision_trains_and_restores_settings(precision: str, salt: Dataset, context: RunContext) -> None:
    before = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32, torch.get_rng_state()
    method = fit(build(salt, context, epochs=2, precision=precision), salt)
    after = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32, torch.get_rng_state()
    assert before[:2] == after[:2]
    assert torch.equal(before[2], after[2])
    assert {parameter.dtype for parameter in method.network.parameters()} == {torch.float32}
    assert method.predict(salt.split("random", "test").measurements[:]).dtype == np.float32


def test_use_before_fit_raises(salt: Dataset, context: RunContext, tmp_path: Path) -> None:
    method = build(salt, context)
    with pytest.raises(MethodError, match="used before fit"):
        method.predict(np.zeros((1, 5, 600, 60), np.float32))
    with pytest.raises(MethodError, match="used before fit"):
        method.save(tmp_path)


def test_saved_method_predicts_the_same(salt: Dataset, context: RunContext, tmp_path: Path) -> None:
    method = fit(build(salt, context, epochs=1), salt)
    method.save(tmp_path)
    other = build(salt, dataclasses.replace(context, repetition=5))
    other.load(tmp_path)
    measurements = salt.split("random", "test").measurements[:]
    np.testing.assert_array_equal(method.predict(measurements), other.predict(measurements))


def test_building_a_method_does_not_change_the_global_generator(salt: Dataset, context: RunContext) -> None:
    before = torch.get_rng_state()
    build(salt, context)
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize(
    ("n", "size", "expected"), [(10, 4, [4, 3, 3]), (120, 8, [8] * 15), (3, 8, [3]), (9, 8, [5, 4])]
)
def test_batches_are_even(n: int, size: int, expected: list[int]) -> None:
    assert [len(batch) for batch in even_batches(np.arange(n), size)] == expected
