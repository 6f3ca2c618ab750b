"""Which GPU a cell uses."""

import pytest
import torch

from fwibench.errors import FwibenchError
from fwibench.plugins.registry import Registry
from fwibench.runs.machine.devices import choose_device, select_device


@pytest.fixture
def selected(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A machine with two GPUs; collects those that are made the current one."""
    chosen: list[str] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.cuda, "set_device", chosen.append)
    return chosen


@pytest.mark.usefixtures("selected")
def test_missing_gpu_is_an_error(registry: Registry) -> None:
    spec = registry.method("invlint").spec
    assert [choose_device(asked, spec) for asked in ("auto", "cuda", "cuda:1", "cpu")] == [
        "cuda",
        "cuda",
        "cuda:1",
        "cpu",
    ]
    with pytest.raises(FwibenchError, match="cuda:2 was asked for, but torch sees 2 GPUs"):
        choose_device("cuda:2", spec)
    assert choose_device("cuda:2", registry.method("mean-map").spec) == "cpu", "it uses no GPU"


def test_numbered_gpu_becomes_the_current_device(selected: list[str]) -> None:
    for device in ("cpu", "cuda", "cuda:1"):
        select_device(device)
    assert selected == ["cuda:1"]
