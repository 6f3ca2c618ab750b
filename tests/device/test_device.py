"""Methods on the device that there is: `make gpu-check` runs these on a GPU, the suite on the CPU."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fwibench.datasets.base import Dataset
from fwibench.methods.context import RunContext
from fwibench.methods.ridge import fit_ridge
from fwibench.methods.torch_method import TorchMethod
from fwibench.physics.acoustic import simulate
from fwibench.plugins.registry import Registry
from fwibench.runs.execution.timing import best_throughput, stopwatch, synchronise
from fwibench.runs.machine.devices import choose_device
from fwibench.runs.machine.environment import describe_environment
from fwibench.specs.options import validate_options
from tests.tolerances import assert_same_signal, assert_within_range, rounding

LEARNED = ("invlint", "auto-linear", "inversionnet", "velocitygan")
BASELINES: dict[str, dict[str, str]] = {
    "pixel-ridge": {"features": "400"},
    "nearest-neighbour": {"features": "400"},
    "mean-map": {},
}
INVERSIONS = {
    "multiscale-fwi": {"iterations": "2", "bands": "10/full"},
    "multiscale-fwi-oracle": {"iterations": "2", "bands": "10/full", "wavelet": "estimated"},
}


def build(name: str, registry: Registry, salt: Dataset, folder: Path, device: str, **options: str) -> Any:
    spec = registry.method(name).spec
    chosen = validate_options(name, spec.options, spec.profiles.get("smoke", {}), options)
    folder.mkdir(parents=True, exist_ok=True)
    return spec.load()(salt.problem, chosen, RunContext(workdir=folder, device=device, dataset="salt", method=name))


def fit(method: Any, salt: Dataset) -> Any:
    method.fit(salt.split("random", "train"), salt.split("random", "val"))
    return method


def generators(device: str) -> list[torch.Tensor]:
    """States of torch's random generators of the CPU and of the device."""
    on_gpu = [torch.cuda.get_rng_state(device)] if device.startswith("cuda") else []
    return [torch.get_rng_state(), *on_gpu]


@pytest.mark.parametrize("name", LEARNED)
def test_a_network_trains_saves_and_predicts_elsewhere(
    name: str, device: str, registry: Registry, salt: Dataset, tmp_path: Path
) -> None:
    before = generators(device)
    method = fit(build(name, registry, salt, tmp_path / "work", device, epochs="1"), salt)
    assert all(torch.equal(one, two) for one, two in zip(before, generators(device), strict=True))
    measurements = salt.split("random", "test").measurements[:]
    maps = method.predict(measurements)
    assert maps.dtype == np.float32
    assert np.isfinite(maps).all()
    assert all(weight.device.type == device.partition(":")[0] for weight in method.network.parameters())
    method.save(tmp_path)
    for there in ("cpu", device):
        loaded = build(name, registry, salt, tmp_path / there, there, epochs="1")
        loaded.load(tmp_path)
        # another device sums in another order, and float32 keeps about 1e-4 of a map through some twenty layers
        assert_within_range(loaded.predict(measurements), maps, salt.problem.property, 1e-3)
    assert method.complexity().flops
    assert sum(layer.macs or 0 for layer in method.layers()) == method.complexity().macs


@pytest.mark.parametrize("name", BASELINES)
def test_a_saved_baseline_predicts_the_same_elsewhere(
    name: str, device: str, registry: Registry, salt: Dataset, tmp_path: Path
) -> None:
    measurements, options = salt.split("random", "test").measurements[:], BASELINES[name]
    fitted = fit(build(name, registry, salt, tmp_path / "here", device, **options), salt)
    fitted.save(tmp_path)
    maps = fitted.predict(measurements)
    for there in ("cpu", device):
        loaded = build(name, registry, salt, tmp_path / there, there, **options)
        loaded.load(tmp_path)
        # the weights are the same; features are sums in another order
        assert_within_range(loaded.predict(measurements), maps, salt.problem.property, 1e-3)


@pytest.mark.parametrize("features", [8, 300], ids=["primal", "dual"])
def test_a_ridge_is_solved_as_on_the_cpu(features: int, device: str) -> None:
    rng = np.random.default_rng(0)
    u, y = rng.normal(5, 1, (40, features)), rng.normal(size=(40, 7))
    expected = fit_ridge([(u[:30], y[:30]), (u[30:], y[30:])], 40)
    parts = [
        (torch.from_numpy(u[rows]).to(device), torch.from_numpy(y[rows]).to(device))
        for rows in np.split(np.arange(40), 4)
    ]
    found = fit_ridge(parts, 40)
    assert found.gram.device.type == device.partition(":")[0]
    assert found.gram.dtype == torch.float64
    for alpha in (1e-2, 10.0):
        condition = np.linalg.cond(expected.gram + alpha * np.eye(len(expected.gram)))
        tolerance = rounding(features, condition, np.float64)
        assert_same_signal(found.weights(alpha).cpu(), expected.weights(alpha), tolerance)


@pytest.mark.parametrize("precision", ["float32", "tf32", "bf16"])
def test_every_precision_trains(precision: str, device: str, registry: Registry, salt: Dataset, tmp_path: Path) -> None:
    method = fit(build("invlint", registry, salt, tmp_path, device, epochs="2", precision=precision), salt)
    assert np.isfinite([entry["train_loss"] for entry in method.history]).all()


class StopError(Exception):
    """Ends a fit after some epochs."""


@pytest.mark.parametrize("name", ["invlint", "velocitygan"])
def test_a_fit_goes_on_from_its_checkpoint(
    name: str, device: str, registry: Registry, salt: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed = build(name, registry, salt, tmp_path, device, epochs="2")
    step = type(killed).training_step

    def until_second_epoch(self: TorchMethod, trainer: Any, inputs: torch.Tensor, target: torch.Tensor) -> Any:
        if trainer.epoch == 1:
            raise StopError
        return step(self, trainer, inputs, target)

    with monkeypatch.context() as patch:
        patch.setattr(type(killed), "training_step", until_second_epoch)
        with pytest.raises(StopError):
            fit(killed, salt)
    resumed = fit(build(name, registry, salt, tmp_path, device, epochs="2"), salt)
    assert [entry["epoch"] for entry in resumed.history] == [1, 2]


@pytest.mark.parametrize("name", INVERSIONS)
def test_an_inversion_lowers_the_misfit(
    name: str, device: str, registry: Registry, salt: Dataset, tmp_path: Path
) -> None:
    method = build(name, registry, salt, tmp_path, device, **INVERSIONS[name])
    test = salt.split("random", "test")
    if method.engine.alone or device == "cpu":
        test = test.spread(1)
    fit(method, salt)
    if name.endswith("oracle"):
        method.reveal(test.properties[:])
    maps = method.predict(test.measurements[:])
    assert np.isfinite(maps).all()
    assert len(method.traces) == len(test)
    for trace in method.traces:
        assert np.isfinite([step.misfit for step in trace.steps]).all()
    assert method.diagnostics(test)["modelling_difference"] < 1
    assert method.engine.bytes_per_sample() > 0


def test_a_bent_start_is_inverted(device: str, registry: Registry, salt: Dataset, tmp_path: Path) -> None:
    options = {"iterations": "1", "warp": "1", "bands": "full", "optimiser": "adam"}
    method = fit(build("multiscale-fwi", registry, salt, tmp_path, device, **options), salt)
    assert np.isfinite(method.predict(salt.split("random", "test").spread(1).measurements[:])).all()


def test_a_first_prediction_is_corrected(device: str, registry: Registry, salt: Dataset, tmp_path: Path) -> None:
    base = fit(build("mean-map", registry, salt, tmp_path / "base", device), salt)
    method = build("residual", registry, salt, tmp_path / "work", device, base="mean-map", inputs="both")
    method.context = dataclasses.replace(method.context, base=base)
    fit(method, salt)
    measurements = salt.split("random", "test").spread(2).measurements[:]
    maps = method.predict(measurements)
    method.save(tmp_path)
    there = build("residual", registry, salt, tmp_path / "cpu", "cpu", base="mean-map", inputs="both")
    there.context = dataclasses.replace(there.context, base=base)
    there.load(tmp_path)
    # simulations, then some twenty layers, in float32
    assert_within_range(there.predict(measurements), maps, salt.problem.property, 1e-3)


def test_a_simulation_is_that_of_the_cpu(device: str, salt: Dataset) -> None:
    velocity = torch.from_numpy(salt.split("random", "test").spread(1).properties[:])
    with torch.no_grad():
        there = simulate(velocity.to(device), salt.problem)
        here = simulate(velocity, salt.problem)
    assert there.device.type == device.partition(":")[0]
    # float32 sums in another order, over some hundred time steps
    assert_same_signal(there.cpu(), here, 1e-4)


def test_clocks_wait_for_the_device(device: str, registry: Registry, salt: Dataset, tmp_path: Path) -> None:
    method = fit(build("invlint", registry, salt, tmp_path, device, epochs="1"), salt)
    measurements = salt.split("random", "test").measurements[:]
    synchronise(device)
    with stopwatch(device) as watch:
        method.predict(measurements)
    assert watch.seconds > 0
    rate, batch = best_throughput(method.predict, measurements, device)
    assert rate > 0
    assert batch >= 1


def test_the_device_is_chosen_and_described(device: str, registry: Registry) -> None:
    spec = registry.method("invlint").spec
    assert choose_device(device, spec) == device
    assert choose_device("cpu", spec) == "cpu"
    if device.startswith("cuda"):
        assert describe_environment()["gpu"]
