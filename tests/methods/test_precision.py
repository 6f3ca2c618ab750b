"""The number format of a fit."""

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any, get_args

import pytest
import torch

from fwibench.datasets.base import Dataset
from fwibench.methods import precision
from fwibench.methods.context import FIT_PRECISION, RunContext
from fwibench.specs.method import FitPrecision, TrainingOptions
from tests.methods.small_networks import Small, Stopped, bits

CPU, GPU = torch.device("cpu"), torch.device("cuda")


def fit(salt: Dataset, folder: Path, kind: type[Small] = Small, chosen: str = "auto") -> Small:
    context = RunContext(workdir=folder, dataset="salt", method="test")
    method = kind(salt.problem, TrainingOptions(epochs=4, batch_size=5, precision=chosen), context)
    method.fit(salt.split("random", "train"), salt.split("random", "val"))
    return method


Seconds = dict[str, list[float]]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[Seconds], list[str]]:
    """Replaces the clock: steps of a format take the seconds of a list, of which the last one repeats."""

    def set_times(seconds: Seconds) -> list[str]:
        timed: list[str] = []

        def measure(step: Any, device: torch.device) -> float:
            name = step()
            timed.append(name)
            return seconds[name][min(timed.count(name), len(seconds[name])) - 1]

        monkeypatch.setattr(precision, "_seconds", measure)
        return timed

    return set_times


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        ({"float32": [0.010], "tf32": [0.005], "bf16": [0.0045]}, "tf32"),
        ({"float32": [0.010], "tf32": [0.008], "bf16": [9.0, 0.004]}, "bf16"),
        ({"float32": [0.010], "tf32": [0.0095], "bf16": [0.02]}, "float32"),
        ({"float32": [3.0], "tf32": [2.9], "bf16": [2.0]}, "bf16"),
    ],
)
def test_most_precise_format_of_about_equal_speed_is_chosen(
    seconds: Seconds, expected: str, clock: Callable[[Seconds], list[str]]
) -> None:
    timed = clock(seconds)
    assert precision.fastest(GPU, lambda name: lambda: name) == expected
    assert max(map(timed.count, seconds)) <= 1 + precision.REPEATS


@pytest.mark.parametrize(("chosen", "used"), [("float32", "float32"), ("tf32", "float32"), ("bf16", "bf16")])
def test_format_that_is_given_is_not_measured(chosen: Any, used: str) -> None:
    def make_step(name: str) -> Callable[[], object]:
        raise AssertionError("nothing is timed")

    assert precision.fit_precision(chosen, CPU, None, make_step) == used
    assert precision.fit_precision(chosen, GPU, None, make_step) == chosen


@pytest.fixture
def processor(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Makes the CPU one that trains in a format with `auto`."""

    def set_result(name: str) -> None:
        monkeypatch.setattr(precision, "has_matrix_units", lambda: name == "bf16")

    return set_result


@pytest.mark.parametrize("name", ["float32", "bf16"])
def test_format_of_the_processor_gives_the_bits_of_the_same_format_given(
    name: str, salt: Dataset, tmp_path: Path, processor: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    processor(name)
    before = torch.get_rng_state()
    chosen = fit(salt, tmp_path / "chosen")
    assert torch.equal(torch.get_rng_state(), before)
    assert chosen.fit_precision == name
    given = fit(salt, tmp_path / "given", chosen=name)
    assert bits(given) == bits(chosen)
    processor("float32" if name == "bf16" else "bf16")
    monkeypatch.setenv(FIT_PRECISION, name)
    assert fit(salt, tmp_path / "set").fit_precision == name, "the variable takes precedence"


def test_format_on_a_cpu_is_not_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    def make_step(name: str) -> Callable[[], object]:
        raise AssertionError("the load of the machine would decide")

    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: True)
    monkeypatch.delenv(precision.ONEDNN_LIMIT, raising=False)
    assert precision.fit_precision("auto", CPU, None, make_step) == "bf16"
    monkeypatch.setenv(precision.ONEDNN_LIMIT, "AVX2")
    assert precision.fit_precision("auto", CPU, None, make_step) == "float32"
    monkeypatch.delenv(precision.ONEDNN_LIMIT)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: False)
    assert precision.fit_precision("auto", CPU, None, make_step) == "float32"


def test_resumed_fit_uses_the_format_of_its_checkpoint(salt: Dataset, tmp_path: Path, processor: Any) -> None:
    processor("bf16")
    whole = fit(salt, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        fit(salt, tmp_path / "killed", Stopped)
    processor("float32")
    resumed = fit(salt, tmp_path / "killed")
    assert resumed.fit_precision == "bf16"
    assert bits(whole) == bits(resumed)


def test_step_that_cannot_be_timed_uses_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    def make_step(name: str) -> Callable[[], object]:
        raise TypeError("the loss has no gradient")

    monkeypatch.setattr(precision, "own_generators", lambda device: nullcontext())
    assert precision.fit_precision("auto", GPU, None, make_step) == "float32"


def test_saved_method_predicts_in_the_format_of_its_fit(
    salt: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(FIT_PRECISION, "bf16")
    fit(salt, tmp_path).save(tmp_path)
    context = RunContext(workdir=tmp_path, dataset="salt", method="test")
    loaded = Small(salt.problem, TrainingOptions(precision="auto"), context)
    loaded.load(tmp_path)
    assert loaded.fit_precision == "bf16"


def test_only_float32_on_a_gpu_trains_with_contiguous_arrays() -> None:
    cpu, gpu = torch.device("cpu"), torch.device("cuda", 1)
    found = {
        (device.type, name): precision.memory_format(device, name)
        for device in (cpu, gpu)
        for name in get_args(FitPrecision)
    }
    assert [key for key, chosen in found.items() if chosen == torch.contiguous_format] == [("cuda", "float32")]
