import dataclasses
import math
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from fwibench_auto_linear import SPEC, AutoLinearOptions
from fwibench_auto_linear.linear_map import LinearMap
from fwibench_auto_linear.method import AutoLinear

from fwibench.datasets.base import Dataset
from fwibench.methods.context import RunContext
from fwibench.methods.torch_method import TorchMethod
from fwibench.testing import em_problem, seismic_problem
from fwibench.testing.problems import Tiny, tiny_data

TINY = {"epochs": 2, "batch_size": 8, "width": 16, "heads": 2, "layers": 1, "latent": 3}
DIRECTIONS = ("inversion", "modelling")


def options(**changes: object) -> AutoLinearOptions:
    return AutoLinearOptions.model_validate({**TINY, **changes})


def fitted(data: Tiny, context: RunContext, **changes: object) -> AutoLinear:
    method = AutoLinear(data.problem, options(**changes), context)
    method.fit(data.train, data.val)
    return method


@pytest.fixture(scope="module")
def seismic() -> Tiny:
    return tiny_data("seismic")


@pytest.mark.parametrize(
    ("measurement", "shape"), [((5, 1000, 70), (70, 70)), ((5, 600, 60), (40, 60)), ((9, 126, 101), (401, 141))]
)
def test_seismic_problem_of_any_shape_can_be_inverted(
    measurement: tuple[int, int, int], shape: tuple[int, int], context: RunContext
) -> None:
    method = AutoLinear(seismic_problem(measurement, shape), options(), context)
    assert method.infer(np.zeros((2, *measurement), np.float32)).shape == (2, 1, *shape)
    assert method.complexity().uncounted == ()


def test_em_problem_of_the_reservoirs_shape_can_be_inverted(context: RunContext) -> None:
    method = AutoLinear(em_problem((2, 16, 21), (351, 601)), options(), context)
    assert method.infer(np.zeros((2, 2, 16, 21), np.float32)).shape == (2, 1, 351, 601)


def test_sizes_of_profile_paper_on_openfwi(context: RunContext) -> None:
    method = AutoLinear(seismic_problem((5, 1000, 70), (70, 70)), AutoLinearOptions(), context)
    complexity = method.complexity()
    measured, mapped = 70 * 16, 49 * 16
    assert complexity.parameters_closed_form == 2 * measured * mapped + measured + mapped
    block = 4 * 512**2 + 4 * 512 + 2 * 4 * 512**2 + 4 * 512 + 512 + 4 * 512
    # entering and leaving layers with their normalisation, and positions, of encoder and decoder
    ends = sum(2 * (512 * p + 512 * 16) + p + 16 + 2 * 512 for p in (5 * 100 * 10, 10 * 10))
    ends += 4 * 512 + 4 * 2 * 512 - 2 * 2 * 512 + 2 * (70 + 49) * 512
    hidden = 2 * 512
    assert complexity.parameters == 8 * block + ends + hidden


@pytest.mark.parametrize("kind", ["seismic", "em"])
def test_fit_reports_both_directions(kind: str, context: RunContext) -> None:
    data = tiny_data(kind)
    method = fitted(data, context)
    assert method.predict(data.test.measurements[:]).shape == data.test.properties.shape
    found = {**method.figures(), **method.diagnostics(data.test)}
    names = ("inversion_r2", "modelling_r2", "forward_error", "measurement_restoration", "map_restoration_mae")
    assert {f"{name}_{split}" for name in names for split in ("val", "test")} < set(found)
    assert np.isfinite(list(found.values())).all()
    assert set(method.history[0]) > {"train_loss", "train_measurement_loss", "train_map_loss", "val_loss"}


def test_diagnostics_are_those_of_separate_computations(seismic: Tiny, context: RunContext) -> None:
    method, test = fitted(seismic, context), seismic.test
    network, property_ = method.network, seismic.problem.property
    measurements = method.encode(test.measurements[:])
    maps = property_.normalise(torch.from_numpy(test.properties[:]))
    with torch.no_grad():
        predicted = network.model(maps)
        restored = property_.denormalise(network.maps.decode(network.maps.encode(maps))).numpy()
        latents, found = network.maps.encode(maps), network.inversion(network.measurements.encode(measurements))
    rest = method.encode(np.zeros_like(test.measurements[:]))
    expected = {
        "forward_error_test": float((predicted - measurements).norm() / (measurements - rest).norm()),
        "map_restoration_mae_test": float(np.abs(restored - test.properties[:]).mean()),
        "inversion_r2_test": 1
        - float((found - latents).square().sum() / (latents - network.inversion.mean).square().sum()),
    }
    diagnostics = method.diagnostics(test)
    assert {name: diagnostics[name] for name in expected} == pytest.approx(expected, rel=1e-4)


def test_autoencoders_do_not_change_when_the_linear_maps_are_solved(seismic: Tiny, context: RunContext) -> None:
    method = fitted(seismic, context)
    before = {name: value.clone() for name, value in method.network.state_dict().items()}
    for name in DIRECTIONS:
        getattr(method.network, name).down.zero_()
    method._solve_inversion(seismic.train, seismic.val)
    method._solve_modelling(seismic.train, seismic.val)
    for name, value in method.network.state_dict().items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0, msg=name)


def test_gradients_of_one_domain_do_not_reach_the_other(seismic: Tiny, context: RunContext) -> None:
    method = AutoLinear(seismic.problem, options(), context)
    inputs = method.encode(seismic.train.measurements[:2])
    maps = seismic.problem.property.normalise(torch.from_numpy(seismic.train.properties[:2]))
    restored, _ = method.network(inputs, maps)
    restored.square().sum().backward()
    assert all(weight.grad is None for weight in method.network.maps.parameters())
    assert all(weight.grad is not None for weight in method.network.measurements.parameters())


def test_error_on_val_of_an_epoch_is_that_of_complete_predictions(seismic: Tiny, context: RunContext) -> None:
    method = fitted(seismic, context)
    error = np.abs(method.predict(seismic.val.measurements[:]) - seismic.val.properties[:]).mean()
    scale = (seismic.problem.property.high - seismic.problem.property.low) / 2
    assert error / scale == pytest.approx(min(entry["val_loss"] for entry in method.history), rel=1e-4)


def test_inversion_is_solved_regularly_and_in_the_last_epoch(
    seismic: Tiny, context: RunContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    epochs: list[int] = []
    solve = LinearMap.solve

    def count(self: LinearMap, *arguments: object) -> float:
        epochs.append(len(history))
        return solve(self, *arguments)

    monkeypatch.setattr(LinearMap, "solve", count)
    monkeypatch.setattr("fwibench_auto_linear.method.CANDIDATE_STEPS", 6)
    history: list[dict[str, float]] = []
    fitted(seismic, dataclasses.replace(context, on_report=history.append), epochs=6)
    # two batches an epoch; the last two solve for both directions with the kept weights
    assert epochs == [0, 3, 5, 6, 6]


def test_limited_rank_has_fewer_closed_form_parameters(seismic: Tiny, context: RunContext) -> None:
    full = AutoLinear(seismic.problem, options(), context)
    low = fitted(seismic, context, rank=2)
    assert low.complexity().parameters == full.complexity().parameters
    sizes = low.network.measurements.size + low.network.maps.size
    assert low.complexity().parameters_closed_form == 2 * 2 * sizes + sizes
    assert low.complexity().macs < full.complexity().macs
    assert np.isfinite(low.predict(seismic.test.measurements[:])).all()


def test_saved_method_predicts_the_same_in_both_directions(seismic: Tiny, context: RunContext, tmp_path: Path) -> None:
    method = fitted(seismic, context, rank=3)
    method.save(tmp_path)
    other = AutoLinear(seismic.problem, options(rank=3), dataclasses.replace(context, repetition=3))
    other.load(tmp_path)
    measurements = seismic.test.measurements[:]
    np.testing.assert_array_equal(method.predict(measurements), other.predict(measurements))
    assert other.diagnostics(seismic.test) == method.diagnostics(seismic.test)


def test_continued_fit_ends_with_the_same_weights(
    seismic: Tiny, context: RunContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # write every checkpoint
    monkeypatch.setattr("fwibench.methods.checkpoints.SHARE", math.inf)
    whole = fitted(seismic, dataclasses.replace(context, workdir=tmp_path), epochs=4)

    class KilledError(Exception):
        pass

    folder = tmp_path / "killed"
    folder.mkdir()

    def kill(scalars: dict[str, float]) -> None:
        if scalars["step"] == 3:
            raise KilledError

    with pytest.raises(KilledError):
        fitted(seismic, dataclasses.replace(context, workdir=folder, on_report=kill), epochs=4)
    again = fitted(seismic, dataclasses.replace(context, workdir=folder), epochs=4)
    for name, value in again.network.state_dict().items():
        torch.testing.assert_close(value, whole.network.state_dict()[name], rtol=0, atol=0, msg=name)


def test_notes_tell_of_a_penalty_at_the_end_of_its_range(
    seismic: Tiny, context: RunContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not fitted(seismic, context, alpha=1e5).notes()
    monkeypatch.setattr("fwibench_auto_linear.method.ALPHAS", (1e-9, 1e9))
    monkeypatch.setattr("fwibench_auto_linear.linear_map.choose_alpha", lambda *pairs: 1e9)
    assert [note.split(":")[0] for note in fitted(seismic, context).notes()] == list(DIRECTIONS)


def test_training_restores_measurements_and_maps(salt: Dataset, context: RunContext) -> None:
    method = AutoLinear(salt.problem, options(epochs=25, width=32, learning_rate=3e-3), context)
    method.fit(salt.split("random", "train"), salt.split("random", "val"))
    first, last = method.history[0], method.history[-1]
    for part in ("measurement", "map"):
        assert last[f"train_{part}_loss"] < first[f"train_{part}_loss"] / 2
    assert method.figures()["inversion_r2_val"] > 0.5


def test_one_train_sample_is_enough(seismic: Tiny, context: RunContext) -> None:
    method = AutoLinear(seismic.problem, options(), context)
    method.fit(seismic.train.spread(1), seismic.val.spread(1))
    assert np.isfinite(method.predict(seismic.test.measurements[:])).all()
    assert np.isnan(method.diagnostics(seismic.train.spread(1))["inversion_r2_train"]), "no variance to explain"


@pytest.mark.parametrize(("seconds", "left"), [(0.5, 1.5), (9.0, 0.2)])
def test_time_to_solve_for_the_linear_maps_is_part_of_the_budget(
    seconds: float, left: float, seismic: Tiny, context: RunContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[float | None] = []

    def train_on(self: TorchMethod, *arguments: object) -> None:
        seen.append(self.context.fit_budget)

    monkeypatch.setattr(TorchMethod, "train_on", train_on)
    monkeypatch.setattr(AutoLinear, "_seconds_to_solve", lambda self, train: seconds)
    method = AutoLinear(seismic.problem, options(), dataclasses.replace(context, fit_budget=2.0))
    unused: Any = None
    method.train_on(unused, seismic.train, seismic.val)
    assert seen == pytest.approx([left])
    assert method.context.fit_budget == 2.0


def test_fit_within_a_time_budget_chooses_its_batches(seismic: Tiny, context: RunContext) -> None:
    method = fitted(seismic, dataclasses.replace(context, fit_budget=2.0))
    assert method.fit_batches
    assert np.isfinite(method.predict(seismic.test.measurements[:])).all()


def test_bf16_trains(seismic: Tiny, context: RunContext) -> None:
    method = fitted(seismic, context, precision="bf16")
    assert np.isfinite([entry["val_loss"] for entry in method.history]).all()


def test_layers_add_up_to_the_complexity(seismic: Tiny, context: RunContext) -> None:
    method = AutoLinear(seismic.problem, options(rank=2), context)
    complexity, layers = method.complexity(), method.layers()
    assert sum(layer.macs or 0 for layer in layers) == complexity.macs
    assert sum(layer.parameters for layer in layers) == complexity.parameters


def test_a_step_stays_on_its_device(seismic: Tiny, context: RunContext) -> None:
    # the device meta refuses operations with tensors of the CPU
    method = AutoLinear(seismic.problem, options(), dataclasses.replace(context, device="meta"))
    inputs = method.encode(seismic.train.measurements[:2])
    target = torch.zeros(2, *seismic.problem.property_shape, device="meta")
    trainer: Any = SimpleNamespace(network=method.network, batch=1, batches=2, step=lambda loss: loss.backward())
    assert {value.device.type for value in method.training_step(trainer, inputs, target).values()} == {"meta"}
    assert method.network.model(target).device.type == "meta"


def test_profiles_are_valid_options() -> None:
    for profile in SPEC.profiles:
        SPEC.options.model_validate(SPEC.preset(profile))
