from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import fwibench as fb
from fwibench.datasets.base import Dataset
from fwibench.errors import MethodError, ProblemError, UnknownNameError, UsageError
from fwibench.methods.context import FIT_BATCHES
from fwibench.typing import Array32
from tests.conftest import Command

PLACE: dict[str, Any] = {"profile": "smoke"}


class Net(nn.Module):
    """Maps the mean of each gather to a map, about [-1, 1]."""

    def __init__(self, shape: tuple[int, int, int] = (1, 40, 60)) -> None:
        super().__init__()
        self.shape = shape
        self.linear = nn.Linear(20, shape[1] * shape[2])

    def forward(self, measurements: Tensor) -> Tensor:
        pooled = nn.functional.adaptive_avg_pool1d(measurements.flatten(1)[:, None], 20)[:, 0]
        return torch.tanh(self.linear(pooled)).reshape(-1, *self.shape)


class Constant:
    """An estimator as scikit-learn's: predicts the mean of what it was fitted on."""

    def fit(self, x: Array32, y: Array32) -> Constant:
        assert x.ndim == y.ndim == 2
        self.mean = y.mean(axis=0)
        return self

    def predict(self, x: Array32) -> Array32:
        return np.repeat(self.mean[None], len(x), axis=0)


def flat(measurements: Array32) -> Array32:
    return np.full((len(measurements), 1, 40, 60), 2500.0)


def test_untrained_network_is_scored_on_physical_values(salt: Dataset) -> None:
    network = Net()
    found = fb.evaluate(network, "salt", **PLACE)
    test = salt.split("random", "test")
    with torch.no_grad():
        amplitude, bounds = salt.measured_problem.amplitude, salt.problem.property
        maps = bounds.denormalise(network(amplitude.normalise(torch.from_numpy(test.measurements[:]), torch))).numpy()
    # the same network on the same samples: float32 of values up to 4,500 m/s
    np.testing.assert_allclose(found.predictions, maps, rtol=1e-5)
    assert found.scores["mae"] == pytest.approx(float(np.abs(maps - test.properties[:]).mean()), rel=1e-5)
    assert found.ids == test.ids


def test_training_helps_and_leaves_the_network_as_it_was() -> None:
    torch.manual_seed(0)
    network = Net()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    options = {"epochs": 40, "learning_rate": 0.01}
    untrained = fb.evaluate(network, "salt", **PLACE)
    trained = fb.evaluate(network, "salt", fit=True, options=options, **PLACE)
    assert trained.scores["mae"] < 0.9 * untrained.scores["mae"]  # type: ignore[operator]
    assert len(trained.record.history) == 40
    assert trained.record.costs.fit_s is not None
    assert untrained.record.costs.fit_s is None
    assert trained.record.complexity.parameters == sum(value.numel() for value in before.values())
    for name, value in network.state_dict().items():
        torch.testing.assert_close(value, before[name], rtol=0, atol=0)


def test_options_of_the_training_name_the_row() -> None:
    options = {"epochs": 3}
    found = fb.evaluate(Net(), "salt", fit=True, options=options, **PLACE).record
    assert (found.chosen, found.cell.options) == (options, options)
    assert fb.evaluate(Net(), "salt", **PLACE).record.chosen == {}


def test_function_cannot_be_fitted() -> None:
    with pytest.raises(UsageError, match="flat is a function, which cannot be fitted"):
        fb.evaluate(flat, "salt", fit=True, **PLACE)


def test_network_without_options_trains_as_its_profile_says() -> None:
    assert len(fb.evaluate(Net(), "salt", fit=True, **PLACE).record.history) == 2


def test_network_trains_for_its_time_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FIT_BATCHES, "7")
    record = fb.evaluate(Net(), "salt", fit=True, budget=30.0, **PLACE).record
    assert (record.cell.budget, record.costs.fit_batches, len(record.history)) == (30.0, 7, 7)
    assert record.costs.samples_seen == 7 * 14, "one batch an epoch"


@pytest.mark.parametrize(
    ("model", "settings", "reason"),
    [
        (Net(), {"budget": 0.0}, "time budget is 0 s"),
        (Net(), {"budget": 9.0, "options": {"epochs": 2}}, "epochs of net and a time budget"),
    ],
)
def test_time_budget_that_cannot_hold_is_a_clear_error(model: Any, settings: dict[str, Any], reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        fb.evaluate(model, "salt", fit=True, **settings, **PLACE)


def test_function_works_in_physical_units(salt: Dataset) -> None:
    found = fb.evaluate(flat, "salt", **PLACE)
    truth = salt.split("random", "test").properties[:]
    assert found.scores["mae"] == pytest.approx(float(np.abs(truth - 2500).mean()), rel=1e-5)
    assert found.record.cell.method == "flat"
    assert found.record.complexity.parameters is None
    tensor = fb.evaluate(lambda u: torch.full((len(u), 1, 40, 60), 2500.0), "salt", name="tensor", **PLACE)
    assert tensor.scores == found.scores


def test_estimator_is_fitted_on_flattened_samples(salt: Dataset) -> None:
    found = fb.evaluate(Constant(), "salt", **PLACE)
    mean = salt.split("random", "train").properties[:].mean(axis=0)
    np.testing.assert_allclose(found.predictions, np.repeat(mean[None], 3, axis=0), rtol=1e-5)


def test_named_method_runs_as_a_cell(here: Path) -> None:
    found = fb.evaluate("mean-map", "salt", **PLACE)
    assert found.folder is not None
    assert found.folder.parent == Path("results/runs")
    assert found.record.status == "ok"
    again = fb.load_run("mean-map")
    assert again.scores == found.scores
    np.testing.assert_array_equal(again.predictions, found.predictions)


def test_scores_of_samples_are_a_frame() -> None:
    frame = fb.evaluate(flat, "salt", metrics=["data-misfit"], **PLACE).to_frame()
    assert list(frame.index) == list(fb.load_dataset("salt", profile="smoke").test.ids)
    assert {"mae", "ssim", "data-misfit"} <= set(frame.columns)


@pytest.mark.slow
def test_evaluation_is_stored_as_a_record_like_any_other(here: Path, fwibench: Command) -> None:
    network = fb.evaluate(Net(), "salt", name="my-net", **PLACE)
    folder = network.save()
    assert json.loads((folder / "record.json").read_text())["cell"]["method"] == "my-net"
    fb.evaluate(flat, "salt", **PLACE).save("results")
    fb.run(["mean-map"], ["salt"], profile="smoke")
    assert sorted(fb.leaderboard()["method"]) == ["flat", "mean-map", "my-net"]
    for words in (["status"], ["show", "my-net"], ["compare", "my-net", "flat", "mean-map"], ["rescore"]):
        done = fwibench(*words)
        assert done.returncode == 0, done.stderr
    report = fwibench("report", "-o", "report.html")
    assert report.returncode == 0, report.stderr
    assert "my-net" in Path("report.html").read_text()
    loaded = fb.load_run("my-net")
    assert loaded.scores == network.scores
    with pytest.raises(UnknownNameError, match="no method named 'my-net'"):
        loaded.predict(fb.load_dataset("salt", profile="smoke").test.measurements[:1])


def test_two_models_of_one_name_are_two_records(here: Path) -> None:
    first = fb.evaluate(flat, "salt", name="mine", **PLACE).save()
    second = fb.evaluate(lambda u: flat(u) + 10, "salt", name="mine", **PLACE).save()
    again = fb.evaluate(flat, "salt", name="mine", **PLACE).save()
    assert first != second
    assert first == again


def test_evaluated_model_predicts_new_measurements() -> None:
    network = fb.evaluate(Net(), "salt", **PLACE)
    measurements = fb.load_dataset("salt", profile="smoke").test.measurements[:]
    np.testing.assert_allclose(network.predict(measurements), network.predictions, rtol=1e-5)
    with pytest.raises(ProblemError, match="the array of measurements has shape"):
        network.predict(measurements[..., :3])


def test_notebooks_show_scores_and_pictures() -> None:
    found = fb.evaluate(flat, "salt", name="a<b", **PLACE)
    assert "a&lt;b" in found._repr_html_()
    assert re.search(r"mae \d", repr(found))
    assert found.plot(2)._repr_png_().startswith(b"\x89PNG")  # type: ignore[attr-defined]


def test_subset_of_test_samples_and_another_split() -> None:
    found = fb.evaluate(flat, "salt", split="block", test_samples=2, **PLACE)
    assert (len(found.ids), found.record.cell.split, found.record.n_test) == (2, "block", 2)


class Given(fb.Method):
    """A method without a plugin."""

    def predict(self, measurements: Array32) -> Array32:
        return flat(measurements).astype(np.float32)

    def complexity(self) -> fb.Complexity:
        return fb.Complexity(parameters=0)

    def save(self, path: Path) -> None:
        (path / "nothing").write_text("")

    def load(self, path: Path) -> None: ...


def test_class_of_methods_needs_no_plugin() -> None:
    found = fb.evaluate(Given, "salt", **PLACE)
    assert found.record.complexity.parameters == 0
    assert found.record.cell.method == "given"


class PeekingMethod(Given):
    def fit(self, train: fb.Split, val: fb.Split) -> None: ...

    def predict(self, measurements: Array32) -> Array32:
        frame: FrameType | None = sys._getframe()
        splits = []
        while frame is not None:
            splits += [one for one in frame.f_locals.values() if isinstance(one, fb.Split) and one.name == "test"]
            frame = frame.f_back
        assert splits
        for split in splits:
            split.properties[:]
        return super().predict(measurements)


def test_truth_of_the_test_split_is_not_at_hand_while_a_model_predicts() -> None:
    with pytest.raises(MethodError, match="not shown to methods"):
        fb.evaluate(PeekingMethod, "salt", **PLACE)


def test_predictions_that_equal_the_truth_are_noted(salt: Dataset) -> None:
    truth = salt.split("random", "test").properties[:]
    (note,) = fb.evaluate(lambda u: truth[: len(u)], "salt", name="oracle", **PLACE).record.notes
    assert note.startswith("3 of 3 predictions equal the truth in every node")


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (Net, "the class Net cannot be evaluated"),
        (3, "int cannot be evaluated"),
        (lambda u: u, "predict returned shape"),
        (lambda u: flat(u) * np.nan, "finite"),
    ],
)
def test_model_that_cannot_be_evaluated_is_a_clear_error(model: Any, reason: str) -> None:
    with pytest.raises((UsageError, MethodError), match=reason):
        fb.evaluate(model, "salt", **PLACE)


def test_name_of_a_registered_method_is_refused() -> None:
    with pytest.raises(UsageError, match="invlint is the name of a method"):
        fb.evaluate(flat, "salt", name="invlint", **PLACE)
