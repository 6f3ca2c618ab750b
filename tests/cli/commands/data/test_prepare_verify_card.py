"""`data prepare`, `data verify` and `data card` of one dataset."""

import os

import pytest
import torch

from fwibench.cli.commands.data import prepare as command
from fwibench.datasets.base import Dataset, Estimate
from fwibench.datasets.stored import StoredDataset
from fwibench.plugins.registry import Registry
from fwibench.runs.opening.datasets import open_dataset
from tests.conftest import Command


@pytest.mark.slow
def test_prepared_dataset_is_verified_and_described(fwibench: Command, salt: Dataset) -> None:
    assert "20 samples in" in fwibench("data", "prepare", "salt", "--profile", "smoke").stdout
    verified = fwibench("data", "verify", "salt", "--profile", "smoke").stdout.splitlines()
    assert verified[0] == "salt (synthetic): stored and simulated again"
    assert verified[-1] == "no faults found"
    card = fwibench("data", "card", "salt", "--profile", "smoke").stdout
    assert "train 14, val 3, test 3" in card
    missing = fwibench("data", "verify", "salt", "--profile", "smoke", FWIBENCH_DATA=os.devnull + "x")
    assert missing.returncode == 1
    assert "not made yet" in missing.stderr


def test_device_is_checked_first(fwibench: Command) -> None:
    wrong = fwibench("data", "prepare", "no-such-dataset", "--device", "gpu")
    assert wrong.returncode == 2
    assert "expected auto, cpu, cuda or cuda:N" in wrong.stderr


@pytest.mark.parametrize(("asked", "found"), [("auto", "cpu"), ("cpu", "cpu"), ("cuda:1", "cuda:1")])
def test_dataset_without_a_gpu_simulation_is_made_on_the_cpu(
    asked: str, found: str, registry: Registry, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    made: dict[str, str] = {}
    datasets = [open_dataset(registry, name, "smoke") for name in ("salt", "kimberlina-reservoir")]
    monkeypatch.setattr(StoredDataset, "prepare", lambda self, progress: made.update({self.spec.name: self.device}))
    monkeypatch.setattr(StoredDataset, "estimate", lambda self: Estimate(20, 10**9, 60.0))
    monkeypatch.setattr(command, "open_datasets", lambda *_: datasets)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", lambda device: None)
    command.prepare("both", "smoke", asked)
    printed = capsys.readouterr()
    assert made == {"salt": found, "kimberlina-reservoir": "cpu"}
    assert (f"about 1m00s on {found}" in printed.out) == (found != "cpu"), printed.out
    assert ("kimberlina-reservoir is made on the CPU" in printed.err) == (found != "cpu")
    assert "salt is made on the CPU" not in printed.err
