"""Weights on disk: every number format returns as it was, and what is no array is named before it is lost."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from fwibench.datasets.base import Dataset
from fwibench.errors import DataError, MethodError
from fwibench.methods.context import RunContext
from fwibench.methods.torch_method import TorchMethod
from fwibench.specs.method import TrainingOptions
from tests.methods.small_networks import Small


def build(salt: Dataset, context: RunContext, kind: type[TorchMethod] = Small) -> TorchMethod:
    return kind(salt.problem, TrainingOptions(), context)


class Mixed(Small):
    """A network with parameters of several number formats."""

    def build(self) -> nn.Module:
        network = super().build()
        for dtype in (torch.bfloat16, torch.float16, torch.float64, torch.int64, torch.bool, torch.complex64):
            network.register_buffer(str(dtype).replace(".", "_"), torch.randn(3).mul(100).to(dtype))
        return network


class Stateful(Small):
    """A network with a state that is no tensor."""

    def build(self) -> nn.Module:
        class Counting(nn.Identity):
            def get_extra_state(self) -> Any:
                return {"calls": 3}

            def set_extra_state(self, state: Any) -> None:
                pass

        return nn.Sequential(super().build(), Counting())


def test_weights_of_every_number_format_return_as_they_were(salt: Dataset, context: RunContext, tmp_path: Path) -> None:
    method = build(salt, context, Mixed)
    state = {name: value.clone() for name, value in method.network.state_dict().items()}
    method.take_weights(state)
    method.fit_precision = "bf16"
    method.save(tmp_path)
    assert [path.name for path in tmp_path.iterdir() if path.suffix] == ["weights.npz"]
    other = build(salt, context, Mixed)
    for value in other.network.state_dict().values():
        value.zero_()
    other.load(tmp_path)
    assert other.fit_precision == "bf16"
    for name, value in other.network.state_dict().items():
        assert value.dtype == state[name].dtype
        assert torch.equal(value, state[name]), name


def test_states_of_earlier_versions_are_read(salt: Dataset, context: RunContext, tmp_path: Path) -> None:
    method = build(salt, context)
    state = {name: torch.ones_like(value) for name, value in method.network.state_dict().items()}
    torch.save({"encoder": {}, "network": state, "precision": "tf32"}, tmp_path / "model.pt")
    method.load(tmp_path)
    assert method.fit_precision == "tf32"
    assert all(bool((value == 1).all()) for value in method.network.state_dict().values())


def test_state_that_is_no_tensor_is_named(salt: Dataset, context: RunContext, tmp_path: Path) -> None:
    method = build(salt, context, Stateful)
    method.take_weights(method.network.state_dict())
    with pytest.raises(MethodError, match=r"the state network\.1\._extra_state is of type dict, expected a tensor"):
        method.save(tmp_path)


def test_damaged_weights_are_told(salt: Dataset, context: RunContext, tmp_path: Path) -> None:
    method = build(salt, context)
    (tmp_path / "weights.npz").write_bytes(b"PK\x03\x04 cut")
    with pytest.raises(DataError, match=r"weights\.npz cannot be read as the weights of the method"):
        method.load(tmp_path)
