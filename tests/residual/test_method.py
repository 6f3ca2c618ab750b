import dataclasses
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from fwibench_baselines import InversionNetOptions
from fwibench_baselines.inversionnet import InversionNet
from fwibench_residual import ResidualOptions
from fwibench_residual.folds import predict_out_of_fold
from fwibench_residual.method import WEAKEST, Equalise, Residual
from fwibench_residual.simulations import Simulations, Sizes

from fwibench.errors import MethodError
from fwibench.methods.context import RunContext
from fwibench.methods.training import Trainer
from fwibench.plugins.registry import Registry
from fwibench.runs.planning.grammar import read_request
from fwibench.runs.planning.plan import make_plan
from fwibench.testing.methods import parameters_are_counted
from fwibench.testing.problems import Tiny

SMALL = {"base": "nearest-neighbour", "bands": "6", "channels": 4, "folds": 2, "epochs": 2, "batch_size": 6}


def build(tiny: Tiny, context: RunContext, **options: Any) -> Residual:
    return Residual(tiny.problem, ResidualOptions(**{**SMALL, **options}), context)


def elsewhere(context: RunContext, name: str, **changes: Any) -> RunContext:
    workdir = context.workdir / name
    workdir.mkdir()
    # as in a run, where a base has the context of the method that builds on it
    context = dataclasses.replace(context, workdir=workdir, **changes)
    context.base.context = dataclasses.replace(context, base=None)
    return context


def weights(method: Residual) -> bytes:
    return b"".join(value.numpy().tobytes() for value in method.network.state_dict().values())


def test_training_reduces_the_error_of_first_predictions(tiny: Tiny, based: RunContext) -> None:
    method = build(tiny, based, epochs=30, learning_rate=3e-3)
    method.fit(tiny.train, tiny.val)
    bounds = tiny.problem.property
    normalised = method.figures()["first_mae_train"] * 2 / (bounds.high - bounds.low)
    assert method.history[-1]["train_loss"] < 0.8 * normalised


def test_interrupted_fit_does_not_simulate_again(
    tiny: Tiny, based: RunContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = build(tiny, based)
    once.fit(tiny.train, tiny.val)
    (based.workdir / "checkpoint.pt").unlink()

    def fail(*arguments: Any) -> None:
        raise AssertionError("simulated again")

    monkeypatch.setattr(Simulations, "compare", fail)
    again = build(tiny, based)
    again.fit(tiny.train, tiny.val)
    assert weights(again) == weights(once)


def test_saved_model_predicts_the_same_bits(tiny: Tiny, based: RunContext, tmp_path: Path) -> None:
    method = build(tiny, based, inputs="both")
    method.fit(tiny.train, tiny.val)
    measurements = tiny.test.measurements[:2]
    found = method.predict(measurements)
    bounds = tiny.problem.property
    assert found.shape == (2, *tiny.problem.property_shape)
    assert bounds.low <= found.min() <= found.max() <= bounds.high
    model = tmp_path / "model"
    model.mkdir()
    method.save(model)
    loaded = build(tiny, based, inputs="both")
    loaded.load(model)
    assert loaded.predict(measurements).tobytes() == found.tobytes()


def test_seed_decides_about_the_weights(tiny: Tiny, based: RunContext) -> None:
    found = []
    for name, repetition in (("a", 0), ("b", 0), ("c", 1)):
        method = build(tiny, elsewhere(based, name, repetition=repetition))
        method.fit(tiny.train, tiny.val)
        found.append(weights(method))
    assert found[0] == found[1] != found[2]


def test_predictions_are_clipped(tiny: Tiny, based: RunContext, monkeypatch: pytest.MonkeyPatch) -> None:
    method = build(tiny, based)
    method.fit(tiny.train, tiny.val)
    torch.nn.init.constant_(method.network.last.bias, 9.0)
    assert (method.predict(tiny.test.measurements[:1]) == tiny.problem.property.high).all()


def test_option_limits_the_samples_that_are_simulated(tiny: Tiny, based: RunContext) -> None:
    method = build(tiny, based, simulated=5)
    method.fit(tiny.train, tiny.val)
    assert method.samples_seen == 2 * 5
    assert len(np.load(based.workdir / "inputs-train-0.npy")) == 5


def test_deadline_before_the_simulations_leaves_the_first_prediction(tiny: Tiny, based: RunContext) -> None:
    method = build(tiny, elsewhere(based, "late", deadline=time.monotonic()))
    method.fit(tiny.train, tiny.val)
    assert method.history == []
    measurements = tiny.test.measurements[:2]
    bounds = tiny.problem.property
    expected = based.base.predict(measurements).clip(bounds.low, bounds.high)
    # normalising and back rounds twice
    assert method.predict(measurements) == pytest.approx(expected, rel=1e-6)


def test_gradients_are_equalised_by_the_train_samples() -> None:
    sizes = Sizes((2, 1, 3), (1,), (0,))
    encoder = Equalise(sizes)
    inputs = np.array([[7, 8, 9, 3, 0, 4, 5], [7, 8, 9, 1, 0, 4, 5]], np.float32)
    encoder.learn(inputs)
    sizes_of = np.sqrt([5.0, 0.0, 16.0])
    sizes_of[1] = WEAKEST * np.sqrt(21 / 3)
    assert encoder.scale.flatten().numpy() == pytest.approx(sizes_of)
    found = encoder(torch.from_numpy(inputs)).numpy()
    assert np.array_equal(found[:, [0, 1, 2, 6]], inputs[:, [0, 1, 2, 6]])
    assert found[:, 3:6] == pytest.approx(inputs[:, 3:6] / sizes_of, rel=1e-6)
    encoder.learn(np.zeros_like(inputs))
    assert (encoder.scale == 1).all()


def test_costs_contain_base_and_simulations(tiny: Tiny, based: RunContext) -> None:
    migrated, both = (build(tiny, based, inputs=inputs) for inputs in ("migrated", "both"))
    found, below = migrated.complexity(), based.base.complexity()
    assert found.flops_kind == "mixed"
    assert found.flops > below.flops + migrated.simulations.flops() > below.flops
    assert found.parameters == sum(weight.numel() for weight in migrated.network.parameters())
    assert migrated.figures() == {"simulations_per_sample": 1, "gradients_per_sample": 1}
    assert both.figures() == {"simulations_per_sample": 2, "gradients_per_sample": 1}


def test_parameters_of_the_base_are_counted(tiny: Tiny, based: RunContext) -> None:
    base = InversionNet(tiny.problem, InversionNetOptions(), based)
    method = build(tiny, dataclasses.replace(based, base=base))
    own, below = (sum(weight.numel() for weight in one.network.parameters()) for one in (method, base))
    assert method.complexity().parameters == own + below
    parameters_are_counted(SimpleNamespace(fitted=lambda: method))


def test_errors_of_first_predictions_are_reported(tiny: Tiny, based: RunContext) -> None:
    method = build(tiny, based)
    method.fit(tiny.train, tiny.val)
    first = predict_out_of_fold(based.base, tiny.train, tiny.val, np.arange(12), 2, based)
    figures = method.figures()
    assert figures["first_mae_train"] == pytest.approx(np.abs(first - tiny.train.properties[:]).mean(), rel=1e-5)
    own = based.base.predict(tiny.val.measurements[:])
    assert figures["first_mae_val"] == pytest.approx(np.abs(own - tiny.val.properties[:]).mean(), rel=1e-5)


@pytest.mark.parametrize(("change", "noted"), [(0.9, False), (1.1, True)])
def test_training_that_is_worse_than_its_base_is_noted(
    tiny: Tiny, based: RunContext, monkeypatch: pytest.MonkeyPatch, change: float, noted: bool
) -> None:
    bounds = tiny.problem.property
    error = np.abs(based.base.predict(tiny.val.measurements[:]) - tiny.val.properties[:]).mean()
    normalised = float(error) * 2 / (bounds.high - bounds.low)
    monkeypatch.setattr(Trainer, "_validate", lambda self, val: change * normalised)
    method = build(tiny, based)
    method.fit(tiny.train, tiny.val)
    assert ["no smaller error on val than its base" in note for note in method.notes()] == [True] * noted


def test_method_without_a_base_cannot_be_fitted(tiny: Tiny, context: RunContext) -> None:
    with pytest.raises(MethodError, match="before fit"):
        build(tiny, context).fit(tiny.train, tiny.val)


def test_base_is_planned_before(registry: Registry, tmp_path: Path) -> None:
    request = read_request(registry, "residual[base=mean-map]", "salt", profile="smoke", results=tmp_path, seeds=2)
    cells = [one.cell for one in make_plan(request, registry)]
    assert [cell.method for cell in cells] == ["mean-map", "residual", "residual"]
    assert {cell.base for cell in cells[1:]} == {cells[0].run_id}


def test_loaded_method_trains_on_from_its_weights_and_keeps_its_scale(
    tiny: Tiny, based: RunContext, tmp_path: Path
) -> None:
    method = build(tiny, based)
    method.fit(tiny.train, tiny.val)
    method.save(tmp_path)
    again = build(tiny, elsewhere(based, "again"), epochs=1, learning_rate=1e-12)
    again.load(tmp_path)
    scale = again.equalise.scale.clone()
    again.fit(tiny.train.select(np.arange(6)), tiny.val)
    assert len(again.history) == 1
    assert torch.equal(again.equalise.scale, scale)
    parameters = zip(method.network.parameters(), again.network.parameters(), strict=True)
    assert all(torch.allclose(before, after, rtol=1e-6, atol=1e-9) for before, after in parameters)


def test_network_is_counted_for_a_sample_and_its_mirror_image(tiny: Tiny, based: RunContext) -> None:
    once, twice = (build(tiny, based, mirror=mirror) for mirror in (False, True))
    flops = [one.complexity().flops - based.base.complexity().flops - one.simulations.flops() for one in (once, twice)]
    assert flops[1] == 2 * flops[0]
    assert twice.complexity().uncounted == once.complexity().uncounted
