import pytest
import torch
from fwibench_baselines import InversionNetOptions
from fwibench_baselines.inversionnet import InversionNet
from fwibench_invlint import InvLINTOptions
from fwibench_invlint.method import InvLINT
from torch import Tensor, nn

from fwibench.datasets.salt.dataset import PROBLEM
from fwibench.methods.context import RunContext
from fwibench.methods.layers import measure_layers


@pytest.mark.parametrize(("kind", "options"), [(InvLINT, InvLINTOptions()), (InversionNet, InversionNetOptions())])
def test_layers_add_up_to_the_complexity(kind: type, options: object, context: RunContext) -> None:
    method = kind(PROBLEM, options, context)
    layers, complexity = method.layers(), method.complexity()
    assert sum(layer.macs for layer in layers) == complexity.macs
    assert sum(layer.parameters for layer in layers) == complexity.parameters
    assert len({layer.name for layer in layers}) == len(layers)
    assert all(not hooks for module in method.network.modules() for hooks in _hooks(module)), "nothing is left behind"


def _hooks(module: nn.Module) -> tuple[object, ...]:
    return module._forward_hooks, module._forward_pre_hooks


def test_layers_of_inversionnet_are_as_published(context: RunContext) -> None:
    convolutions = [layer for layer in InversionNet(PROBLEM, InversionNetOptions(), context).layers() if layer.macs]
    assert len(convolutions) == 24
    first, last = convolutions[0], convolutions[-1]
    assert (first.kind, first.shape, first.macs) == ("Conv2d", (32, 300, 60), 32 * 5 * 7 * 300 * 60)
    assert (last.kind, last.shape, last.parameters) == ("Conv2d", (1, 40, 60), 32 * 9 + 1)


class Mixed(nn.Module):
    """A product of its own, a layer called twice, one with a parameter never called, and attention."""

    def __init__(self) -> None:
        super().__init__()
        self.twice = nn.Linear(8, 8)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.idle = nn.Linear(3, 3)
        self.bias = nn.Parameter(torch.zeros(8))
        self.frozen = nn.Linear(8, 8).requires_grad_(False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.twice(self.twice(x)) + self.bias
        x = self.attention(x, x, x)[0]
        return self.frozen(x) @ x.transpose(1, 2)


def test_operations_outside_of_layers_have_a_row_of_their_module() -> None:
    network = Mixed().eval()
    tokens, width = 5, 8
    layers = measure_layers({"net": network}, lambda: network(torch.zeros(1, tokens, width)))
    assert [layer.name for layer in layers] == ["net.twice", "net.attention", "net.frozen", "net"]
    twice, attention, frozen, rest = layers
    linear = tokens * width * width
    assert (twice.macs, twice.parameters) == (2 * linear, width * width + width)
    assert attention.macs == 4 * linear + 2 * tokens * tokens * width
    assert attention.parameters == 4 * (width * width + width), "its last projection is not called as a layer"
    assert attention.shape == (tokens, width)
    assert (frozen.macs, frozen.parameters) == (linear, 0), "what is not trained is not counted"
    assert (rest.kind, rest.macs, rest.parameters) == ("Mixed (rest)", tokens * tokens * width, width + 12)


def test_single_layer_and_nontensor_outputs_are_measured() -> None:
    lone = nn.Linear(4, 3)
    assert [layer.name for layer in measure_layers({"network": lone}, lambda: lone(torch.zeros(1, 4)))] == ["network"]

    class Told(nn.Module):
        def forward(self, x: Tensor) -> dict[str, Tensor]:
            return {"x": x}

    told = Told()
    assert measure_layers({"told": told}, lambda: told(torch.zeros(1, 4)))[0].shape == ()
