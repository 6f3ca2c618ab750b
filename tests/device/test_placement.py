"""Every tensor of a computation is on the method's device.

The device `meta` computes shapes only and refuses operations with tensors of the CPU, so it finds a tensor that was
left there, on machines without a GPU.
"""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from fwibench_baselines.fwi import engine as engines
from fwibench_baselines.fwi.discretisation import inversion_problem
from fwibench_baselines.fwi.engine import Engine
from fwibench_baselines.fwi.options import InversionOptions

from fwibench.methods.context import RunContext
from fwibench.methods.encoded_split import EncodedSplit
from fwibench.methods.threads import fit_threads
from fwibench.physics import acoustic
from fwibench.plugins.registry import Registry
from fwibench.problem import Problem
from fwibench.runs.opening.datasets import open_dataset
from fwibench.specs.options import validate_options

ROWS = 4


class Zeros:
    """A split of zeros."""

    def __init__(self, problem: Problem) -> None:
        self.measurements = np.zeros((ROWS, *problem.measurement_shape), np.float32)
        self.properties = np.full((ROWS, *problem.property_shape), problem.property.low, np.float32)

    def __len__(self) -> int:
        return ROWS


def test_meta_device_rejects_cpu_tensors() -> None:
    with pytest.raises(RuntimeError, match="device"):
        torch.zeros(2, device="meta") + torch.zeros(2)


@pytest.mark.parametrize(
    ("name", "dataset", "options"),
    [
        ("invlint", "salt", {}),
        ("invlint", "kimberlina-reservoir", {}),
        ("invlint", "salt", {"encoder_kernel": "sin-t+sin-x", "shared": "false"}),
        ("invlint", "salt", {"decoder": "conv"}),
        ("invlint", "salt", {"decoder": "deconv"}),
        ("invlint", "salt", {"decoder": "up-x5"}),
        ("inversionnet", "salt", {}),
        ("inversionnet", "kimberlina-reservoir", {}),
        ("velocitygan", "salt", {}),
    ],
)
def test_network_is_on_its_device(
    name: str, dataset: str, options: dict[str, str], registry: Registry, tmp_path: Path
) -> None:
    problem, spec = open_dataset(registry, dataset, "smoke").problem, registry.method(name).spec
    chosen = validate_options(name, spec.options, {}, options)
    method = spec.load()(problem, chosen, RunContext(workdir=tmp_path, device="meta", dataset=dataset, method=name))
    modules = {"network": method.network.train(), **{key: one.train() for key, one in method.companions.items()}}
    split: Any = Zeros(problem)
    chunk = ROWS if method.encode_once else None
    encoded = EncodedSplit(split, method.encode, problem.property, method.device, chunk)
    inputs, target = encoded.read(np.arange(ROWS))
    trainer = SimpleNamespace(
        network=method.network,
        parts={key: SimpleNamespace(module=module, plain=module) for key, module in modules.items()},
        batch=5,
        batches=5,
        step=lambda loss, part="network": loss.backward(),
        uniform=lambda: torch.rand(ROWS, 1, 1, 1, device="meta"),
    )
    scalars = method.training_step(trainer, inputs, target)
    gradients = [weight.grad for module in modules.values() for weight in module.parameters()]
    found = {tensor.device.type for tensor in (inputs, target, *scalars.values(), *gradients) if tensor is not None}
    assert found == {"meta"}
    method.network.eval()
    with torch.no_grad():
        assert problem.property.denormalise(method.network(method.encode(split.measurements))).device.type == "meta"
    assert method._forward_of_one()().device.type == "meta"
    assert fit_threads(method.device, None, lambda: lambda: None) is None


@pytest.fixture
def simulated(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Replaces deepwave, which has no `meta`; collects the devices of what it is given."""
    devices: list[str] = []

    def scalar(v: torch.Tensor, *_: Any, **tensors: Any) -> Any:
        given = [v, *(one for one in tensors.values() if isinstance(one, torch.Tensor))]
        devices.extend(one.device.type for one in given)
        shots, receivers = tensors["receiver_locations"].shape[:2]
        traces = torch.zeros(shots, receivers, tensors["source_amplitudes"].shape[-1], device=v.device)
        return SimpleNamespace(receiver_amplitudes=traces + v.mean())

    monkeypatch.setattr(acoustic.deepwave, "scalar", scalar)
    return devices


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("salt", {"misfit": "l2", "tv": 0.1, "tikhonov": 0.1}),
        ("salt", {"misfit": "envelope", "shots": None}),
        ("kimberlina-leakage", {"misfit": "correlation"}),
    ],
)
def test_inversion_is_on_its_device(
    name: str, options: dict[str, Any], registry: Registry, simulated: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = open_dataset(registry, name, "smoke").problem
    chosen = InversionOptions(**options)
    engine = Engine(inversion_problem(problem, None), chosen, "meta")
    models = torch.full((2, *problem.property_shape), 2000.0, device="meta")
    data = np.ones((2, *engine.problem.measurement_shape), np.float32)
    # the check of the fastest velocity needs a value, and `meta` has none
    monkeypatch.setattr(torch.Tensor, "__float__", lambda tensor: 2000.0)
    objective = engine.objectives.of_band(data, models, engine.bands[0])
    values = objective(models.requires_grad_(), engine.shots_of(0))
    (gradient,) = torch.autograd.grad(values.sum(), models)
    assert (gradient * engine._taper).device.type == "meta"
    warp = engines.Warp(models.detach(), 4)
    assert warp.bend(warp.rest).device.type == "meta"
    assert warp.strain(warp.rest).device.type == "meta"
    assert set(simulated) == {"meta"}
