"""The number of threads of a fit."""

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from fwibench.datasets.base import Dataset
from fwibench.methods import threads
from fwibench.methods.context import FIT_THREADS, RunContext
from fwibench.specs.method import TrainingOptions
from tests.methods.small_networks import OwnLoss, Small, Stopped, bits


@pytest.fixture(autouse=True)
def two_threads(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two threads that nobody chose, whatever the tests were started with."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", FIT_THREADS):
        monkeypatch.delenv(name, raising=False)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def fit(salt: Dataset, folder: Path, kind: type[Small] = Small) -> Small:
    context = RunContext(workdir=folder, dataset="salt", method="test")
    method = kind(salt.problem, TrainingOptions(epochs=4, batch_size=5), context)
    method.fit(salt.split("random", "train"), salt.split("random", "val"))
    return method


@pytest.fixture
def choose(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], list[int]]:
    """Makes the measurement find a number; returns the list of measurements made, which it still performs."""

    def set_result(number: int) -> list[int]:
        made: list[int] = []
        measure = threads.fastest

        def found(step: Callable[[], object], most: int) -> int:
            measure(step, most)
            made.append(most)
            return number

        monkeypatch.setattr(threads, "fastest", found)
        return made

    return set_result


@pytest.mark.parametrize("number", [1, 2])
def test_timing_threads_does_not_change_the_fit(
    number: int, salt: Dataset, tmp_path: Path, choose: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = choose(number)
    before = random.getstate(), np.random.get_state()[1].copy(), torch.get_rng_state()  # type: ignore[index, union-attr]
    measured = fit(salt, tmp_path / "measured")
    assert random.getstate() == before[0]
    assert np.array_equal(np.random.get_state()[1], before[1])  # type: ignore[index]
    assert torch.equal(torch.get_rng_state(), before[2])
    assert made == [2], "measured once a fit"
    assert measured.fit_threads == number
    assert torch.get_num_threads() == 2, "the process has its threads back"
    monkeypatch.setenv(FIT_THREADS, str(number))
    given = fit(salt, tmp_path / "given")
    assert made == [2], "a number that is given is not measured"
    assert given.fit_threads == number
    assert bits(measured) == bits(given)


def test_resumed_fit_uses_the_threads_of_its_checkpoint(
    salt: Dataset, tmp_path: Path, choose: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    choose(1)
    whole = fit(salt, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        fit(salt, tmp_path / "killed", Stopped)
    made = choose(2)
    monkeypatch.setenv(FIT_THREADS, "2")
    resumed = fit(salt, tmp_path / "killed")
    assert (resumed.fit_threads, made) == (1, [])
    assert bits(whole) == bits(resumed)


@pytest.mark.parametrize("name", ["OMP_NUM_THREADS", "MKL_NUM_THREADS"])
def test_threads_set_by_the_user_are_used(
    name: str, salt: Dataset, tmp_path: Path, choose: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = choose(1)
    monkeypatch.setenv(name, "2")
    assert fit(salt, tmp_path).fit_threads == 2
    assert made == []


def test_step_that_cannot_be_timed_uses_all_threads(salt: Dataset, tmp_path: Path) -> None:
    assert fit(salt, tmp_path, OwnLoss).fit_threads == 2


def test_number_of_threads_is_not_set_on_a_gpu() -> None:
    def make_step() -> Callable[[], object]:
        raise AssertionError("nothing is timed on a GPU")

    assert threads.fit_threads(torch.device("cuda:1"), 3, make_step) is None


def seconds_by_threads(monkeypatch: pytest.MonkeyPatch, seconds: dict[int, float]) -> list[int]:
    """Replaces the clock: a step takes what the dictionary says for the threads that are set."""
    seen: list[int] = []

    def timed(call: Callable[[], object]) -> float:
        call()
        seen.append(torch.get_num_threads())
        return seconds[torch.get_num_threads()]

    monkeypatch.setattr(threads, "_seconds", timed)
    return seen


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        ({1: 0.010, 2: 0.009, 4: 0.009, 6: 0.012}, 1),
        ({1: 0.020, 2: 0.011, 4: 0.010, 6: 0.010}, 2),
        ({1: 0.060, 2: 0.030, 4: 0.015, 6: 0.010}, 6),
    ],
)
def test_fewest_threads_of_about_equal_speed_are_chosen(
    seconds: dict[int, float], expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds_by_threads(monkeypatch, seconds)
    assert threads.fastest(lambda: None, 6) == expected
    assert torch.get_num_threads() == 2


def test_large_network_uses_all_threads_without_timing_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = seconds_by_threads(monkeypatch, {4: 0.5})
    assert threads.fastest(lambda: None, 4) == 4
    assert seen == [4, 4]
    seen.clear()
    seconds_by_threads(monkeypatch, {4: 30.0})
    assert threads.fastest(lambda: None, 4) == 4
