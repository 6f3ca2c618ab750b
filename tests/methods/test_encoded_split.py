"""Where the samples of a split are kept, and when they are read."""

import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from fwibench.datasets.base import Dataset
from fwibench.errors import DivergedError
from fwibench.methods import encoded_split, losses, training
from fwibench.methods.context import RunContext
from fwibench.methods.encoded_split import AHEAD, EncodedSplit, HostRows
from fwibench.methods.torch_method import TorchMethod
from fwibench.samples import Split
from fwibench.specs.method import TrainingOptions
from fwibench.testing import in_memory

CPU = torch.device("cpu")


class Small(TorchMethod):
    def build(self) -> nn.Module:
        layers = nn.AvgPool2d((60, 10)), nn.Flatten(), nn.Linear(300, 16), nn.BatchNorm1d(16), nn.Dropout(0.2)
        return nn.Sequential(*layers, nn.Linear(16, 2400), nn.Unflatten(1, (1, 40, 60)))


class EncodedOnce(Small):
    encode_once = True


def fit_bits(kind: type[TorchMethod], salt: Dataset, folder: Path) -> tuple[list[bytes], list[list[float]]]:
    context = RunContext(workdir=folder, dataset="salt", method="test")
    method = kind(salt.problem, TrainingOptions(epochs=3, batch_size=5), context)
    method.fit(salt.split("random", "train"), salt.split("random", "val"))
    losses = [[entry["train_loss"], entry["val_loss"]] for entry in method.history]
    return [one.numpy().tobytes() for one in method.network.state_dict().values()], losses


@pytest.mark.parametrize("kind", [Small, EncodedOnce])
def test_fit_has_the_same_bits_kept_on_the_device_read_ahead_and_read_in_the_step(
    kind: type[TorchMethod], salt: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: set[str] = set()
    fetch = EncodedSplit.fetch

    def noted(self: EncodedSplit, rows: Any, *, pin: bool = False) -> HostRows:
        threads.add(threading.current_thread().name.partition("_")[0])
        host = fetch(self, rows, pin=pin)
        kept.append(host.measurements is None and host.properties is None)
        return host

    monkeypatch.setattr(EncodedSplit, "fetch", noted)
    kept: list[bool] = []
    ahead = fit_bits(kind, salt, tmp_path / "ahead")
    assert "read-ahead" in threads
    assert not any(kept)
    with monkeypatch.context() as patch:
        patch.setattr(EncodedSplit, "ahead", lambda self, batches: (self.fetch(rows) for rows in batches))
        threads.clear()
        in_step = fit_bits(kind, salt, tmp_path / "step")
        assert "read-ahead" not in threads
    monkeypatch.setattr(training, "spare_memory", lambda device: 2**40)
    kept.clear()
    once = fit_bits(kind, salt, tmp_path / "once")
    assert all(kept[2:]), "all but the first row of each split, whose size is measured"
    assert ahead == in_step == once


@pytest.fixture
def encoded(salt: Dataset) -> EncodedSplit:
    return make_encoded(salt, salt.split("random", "train"))


def make_encoded(salt: Dataset, split: Split, chunk: int | None = None) -> EncodedSplit:
    return EncodedSplit(
        split, lambda measurements: 2 * torch.as_tensor(measurements), salt.problem.property, CPU, chunk
    )


def test_a_split_is_kept_only_if_it_fits(salt: Dataset, encoded: EncodedSplit) -> None:
    needed = 4 * len(encoded) * (5 * 600 * 60 + 40 * 60)
    assert encoded.keep(needed - 1, 4) == 0
    assert encoded.keep(0, 4) == 0
    assert not encoded.release()
    assert encoded.keep(needed, 4) == needed
    assert encoded.release()
    targets = 4 * len(encoded) * 40 * 60
    assert make_encoded(salt, encoded.split, chunk=4).keep(targets, 4) == targets, "inputs are there already"


def test_rows_released_after_they_were_fetched_are_read_again(encoded: EncodedSplit) -> None:
    rows = np.array([3, 1, 2])
    expected = encoded.read(rows)
    encoded.keep(2**40, 4)
    host = encoded.fetch(rows)
    assert host.measurements is None
    encoded.release()
    for part in (slice(None), slice(1, 3)):
        found = encoded.load(host, part)
        assert all(torch.equal(a, b[part]) for a, b in zip(found, expected, strict=True))


class Reads:
    """An array that counts reads and can fail."""

    def __init__(self, array: Any, fail_at: int | None = None) -> None:
        self.array, self.fail_at, self.count = array, fail_at, 0
        self.shape = array.shape

    def __getitem__(self, key: Any) -> Any:
        self.count += 1
        if self.count == self.fail_at:
            raise OSError("for the test")
        return self.array[key]


@pytest.fixture
def counted(salt: Dataset) -> Callable[..., tuple[EncodedSplit, Reads]]:
    def make(fail_at: int | None = None) -> tuple[EncodedSplit, Reads]:
        train = salt.split("random", "train").spread(8)
        reads = Reads(train.measurements, fail_at)
        split: Any = Split("train", train.ids, reads, train.properties)  # type: ignore[arg-type]
        return make_encoded(salt, split), reads

    return make


def one_by_one() -> Iterator[np.ndarray]:
    return (np.array([number]) for number in range(8))


def test_no_more_batches_are_read_than_are_wanted_ahead(counted: Any) -> None:
    encoded, reads = counted()
    with closing(encoded.ahead(one_by_one())) as batches:
        for number in range(3):
            assert next(batches).rows.tolist() == [number]
            assert reads.count <= number + 1 + AHEAD
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("read-ahead")]
    assert len(list(encoded.ahead(one_by_one()))) == 8


def test_an_error_of_reading_reaches_training(counted: Any) -> None:
    encoded, _ = counted(fail_at=4)
    found = []
    with pytest.raises(OSError, match="for the test"), closing(encoded.ahead(one_by_one())) as batches:
        found.extend(host.rows[0] for host in batches)
    assert found == [0, 1, 2]


def test_pinned_memory_is_bounded(salt: Dataset, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = make_encoded(salt, salt.split("random", "train"))
    assert not encoded._pins(1), "nothing is pinned for a CPU"
    monkeypatch.setattr(encoded, "_device", torch.device("cuda"))
    batch = 4 * 16 * (5 * 600 * 60 + 40 * 60)
    assert encoded._pins(16)
    monkeypatch.setattr(encoded_split, "PINNED_BYTES", (AHEAD + 2) * batch)
    assert not encoded._pins(16), "sizes are rounded up to a power of two"
    monkeypatch.setattr(encoded_split, "PINNED_BYTES", (AHEAD + 2) * 2 * batch)
    assert encoded._pins(16)


def test_spare_memory_is_a_share_of_the_free_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    assert encoded_split.spare_memory(CPU) == 0
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (600, 1000))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda device: 300)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda device: 100)
    assert encoded_split.spare_memory(torch.device("cuda")) == 200


class RunsOut(Small):
    """The GPU's memory is exceeded once, in the second batch."""

    ran_out = False

    def training_step(self, trainer: Any, inputs: torch.Tensor, target: torch.Tensor) -> dict[str, torch.Tensor]:
        if trainer.step_count == 2 and not self.ran_out:
            self.ran_out = True
            raise torch.OutOfMemoryError("for the test")
        self.pieces = trainer.pieces
        return super().training_step(trainer, inputs, target)


def test_kept_samples_make_room_before_a_batch_is_divided(
    salt: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = fit_bits(Small, salt, tmp_path / "plain")
    monkeypatch.setattr(training, "spare_memory", lambda device: 2**40)
    assert fit_bits(RunsOut, salt, tmp_path / "out") == expected


class Diverges(Small):
    """The loss is not finite in the second step of the second epoch, and finite after it."""

    def training_step(self, trainer: Any, inputs: torch.Tensor, target: torch.Tensor) -> dict[str, torch.Tensor]:
        loss = self.loss(trainer.network(inputs), target)
        trainer.step(loss / (0.0 if trainer.step_count == 5 else 1.0))
        return {"loss": loss.detach()}


@pytest.mark.parametrize("each_step", [True, False])
def test_divergence_is_found_however_often_losses_are_read(
    each_step: bool, salt: Dataset, context: RunContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(losses, "checks_each_step", lambda device: each_step)
    method = Diverges(salt.problem, TrainingOptions(epochs=3, batch_size=5), context)
    with pytest.raises(DivergedError, match=r"loss of the network is inf at step 5 \(epoch 1\)"):
        method.fit(salt.split("random", "train"), salt.split("random", "val"))
    assert not method._ready, "weights of a diverged fit do not predict"


def test_losses_of_a_gpu_are_read_once_an_epoch(salt: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = fit_bits(Small, salt, tmp_path / "cpu")
    monkeypatch.setattr(losses, "checks_each_step", lambda device: False)
    with monkeypatch.context() as patch:
        patch.setattr(torch, "isfinite", None)
        assert fit_bits(Small, salt, tmp_path / "gpu") == expected


def test_deadline_before_the_first_epoch_ends_finds_divergence(
    salt: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(losses, "checks_each_step", lambda device: False)
    context = RunContext(workdir=tmp_path, dataset="salt", method="test")
    answers = iter([False, True])
    monkeypatch.setattr(RunContext, "should_stop", lambda self: next(answers))
    method = Small(salt.problem, TrainingOptions(epochs=3, batch_size=5), context)
    monkeypatch.setattr(Small, "loss", lambda self, prediction, target: (prediction - target).mean() / 0.0)
    with pytest.raises(DivergedError, match="at step 1"):
        method.fit(salt.split("random", "train"), salt.split("random", "val"))


def test_measurements_in_memory_are_read_ahead_too(salt: Dataset) -> None:
    rng = np.random.default_rng(0)
    maps = rng.uniform(1500, 4500, (6, 1, 40, 60)).astype(np.float32)
    encoded = make_encoded(salt, in_memory("train", np.ones((6, *salt.problem.measurement_shape), np.float32), maps))
    hosts = list(encoded.ahead([np.arange(3), np.arange(3, 6)]))
    assert np.array_equal(np.concatenate([host.properties for host in hosts]), maps)
