"""Time budgets of fits, on a clock that only the tests move."""

import dataclasses
import math
import time
from pathlib import Path
from typing import Any

import pytest
import torch

from fwibench.datasets.base import Dataset
from fwibench.methods.budgets import FORWARD, LATE, TrialClock
from fwibench.methods.checkpoints import SHARE
from fwibench.methods.context import FIT_BATCHES, RunContext
from fwibench.specs.method import TrainingOptions
from tests.methods.small_networks import Small, bits

BUDGET = 40.0
PER_EPOCH = 3
"""Batches of an epoch: 14 samples in batches of 5."""


class Clock:
    """Stands still except where a test moves it."""

    def __init__(self) -> None:
        self.now, self.step = 1000.0, 1.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.delenv(FIT_BATCHES, raising=False)
    made = Clock()
    monkeypatch.setattr(time, "monotonic", made)
    monkeypatch.setattr(Ticking, "clock", made, raising=False)
    return made


class Ticking(Small):
    """A network whose batches take `clock.step` seconds each; nothing else takes time."""

    clock: Clock
    solving = 0.0
    stop_after: int | None = None
    slow_after: int | None = None

    def fit_encoder(self, train: Any, val: Any) -> None:
        self.clock.now += self.solving

    def training_step(self, trainer: Any, inputs: torch.Tensor, target: torch.Tensor) -> dict[str, torch.Tensor]:
        if trainer.epoch == self.stop_after:
            raise KeyboardInterrupt
        self.clock.now += self.clock.step * (4 if trainer.epoch == self.slow_after else 1)
        return super().training_step(trainer, inputs, target)


def build(salt: Dataset, folder: Path, budget: float | None = BUDGET, **options: object) -> Ticking:
    context = RunContext(workdir=folder, dataset="salt", method="test", fit_budget=budget)
    return Ticking(
        salt.problem, TrainingOptions(**{"batch_size": 5, "schedule": "one-cycle", "epochs": 2, **options}), context
    )


def fit(method: Ticking, salt: Dataset) -> Ticking:
    method.fit(salt.split("random", "train"), salt.split("random", "val"))
    return method


def losses(method: Ticking) -> list[tuple[float, float]]:
    return [(entry["train_loss"], entry["val_loss"]) for entry in method.history]


@pytest.mark.parametrize("solving", [0.0, 15.0])
@pytest.mark.parametrize("step", [1.0, 2.5, 4.0])
def test_fit_takes_its_budget(step: float, solving: float, salt: Dataset, tmp_path: Path, clock: Clock) -> None:
    clock.step, start = step, clock.now
    method = build(salt, tmp_path)
    method.solving = solving
    fit(method, salt)
    validation = FORWARD * len(salt.split("random", "val")) / 14
    least = BUDGET / (1 + SHARE) / (1 + validation) - step
    assert least <= clock.now - start <= BUDGET, "a share is left for checkpoints"
    assert method.fit_batches
    assert len(method.history) == math.ceil(method.fit_batches / PER_EPOCH)
    whole, rest = divmod(method.fit_batches, PER_EPOCH)
    assert method.samples_seen == 14 * whole + sum((5, 5, 4)[:rest])


def test_schedule_ends_with_the_budget(salt: Dataset, tmp_path: Path, clock: Clock) -> None:
    clock.step = 1.1
    method = fit(build(salt, tmp_path), salt)
    assert method.fit_batches
    assert method.fit_batches % PER_EPOCH, "the last epoch is shorter"
    rates = [entry["learning_rate"] for entry in method.history]
    assert rates[-1] < 1e-2 * max(rates)
    assert min(rates[:-1]) > rates[-1]


def test_nothing_is_left_of_the_trial(
    salt: Dataset, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[dict[str, float]] = []
    method = build(salt, tmp_path / "measured")
    method.context = dataclasses.replace(method.context, on_report=told.append)
    measured = fit(method, salt)
    assert [one["step"] for one in told] == list(range(1, len(measured.history) + 1)), "the trial reports nothing"
    monkeypatch.setenv(FIT_BATCHES, str(measured.fit_batches))
    again = fit(build(salt, tmp_path / "told"), salt)
    assert bits(measured) == bits(again)
    assert losses(measured) == losses(again)
    assert measured.samples_seen == again.samples_seen


def test_fit_has_one_epoch_at_least(salt: Dataset, tmp_path: Path, clock: Clock) -> None:
    method = fit(build(salt, tmp_path, budget=0.5), salt)
    assert (method.fit_batches, len(method.history)) == (PER_EPOCH, 1)


def test_fit_on_a_slower_machine_ends_soon_after_its_budget(salt: Dataset, tmp_path: Path, clock: Clock) -> None:
    start, method = clock.now, build(salt, tmp_path)
    method.slow_after = 8
    fit(method, salt)
    assert clock.now - start <= LATE * BUDGET + 4 * clock.step
    (note,) = method.notes()
    assert f"after {len(method.history)} of {math.ceil(method.fit_batches / PER_EPOCH)} epochs" in note  # type: ignore[operator]


def test_continued_fit_takes_the_number_of_batches_that_was_chosen(
    salt: Dataset, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    stopped = build(salt, tmp_path / "stopped")
    stopped.stop_after = 5
    with pytest.raises(KeyboardInterrupt):
        fit(stopped, salt)
    before, clock.step = clock.now, 0.5
    resumed = fit(build(salt, tmp_path / "stopped"), salt)
    monkeypatch.setenv(FIT_BATCHES, str(resumed.fit_batches))
    whole = fit(build(salt, tmp_path / "whole"), salt)
    assert bits(resumed) == bits(whole)
    assert resumed.samples_seen == whole.samples_seen
    assert clock.now > before
    assert len(resumed.history) > 5


def test_length_options_do_not_matter(salt: Dataset, tmp_path: Path, clock: Clock) -> None:
    short, long = (
        fit(build(salt, tmp_path / name, **options), salt)  # type: ignore[arg-type]
        for name, options in (("short", {"epochs": 1, "max_batches": 1}), ("long", {"min_batches": 500}))
    )
    assert short.fit_batches == long.fit_batches
    assert bits(short) == bits(long)


def test_fit_without_a_budget_chooses_nothing(salt: Dataset, tmp_path: Path, clock: Clock) -> None:
    method = fit(build(salt, tmp_path, budget=None), salt)
    assert (method.fit_batches, len(method.history), method.samples_seen) == (None, 2, 28)


def test_trial_without_an_epoch_adds_the_validation(clock: Clock) -> None:
    trial = TrialClock(seconds=5.0)
    while not trial.stops():
        clock.now += 2.0
    assert trial.seconds_per_batch(100, validation=0.25) == pytest.approx(2.0 * (1 + FORWARD / 4))


def test_trial_counts_whole_epochs_where_there_are_some(clock: Clock) -> None:
    trial = TrialClock(seconds=20.0)
    while not trial.stops():
        clock.now += 2.0
        if len(trial.ticks) % 4 == 0:
            clock.now += 1.0
            trial.epoch_ended()
    assert trial.seconds_per_batch(4, validation=0.25) == pytest.approx(9.0 / 4)


def test_trial_times_rare_steps(clock: Clock) -> None:
    trial = TrialClock(seconds=0.0, least=5)
    while not trial.stops():
        clock.now += 1.0
    assert len(trial.ticks) == 7, "the first batch and five that are timed have ended"


def test_trial_that_the_deadline_ends_leaves_one_epoch(salt: Dataset, tmp_path: Path, clock: Clock) -> None:
    method = build(salt, tmp_path)
    method.context = dataclasses.replace(method.context, deadline=clock.now + 0.5)
    fit(method, salt)
    assert method.fit_batches == PER_EPOCH
    assert not method.history
