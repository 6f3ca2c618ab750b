"""Numbers of batches and epochs, and learning rates."""

import math

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from fwibench.methods.batches import even_batches
from fwibench.methods.schedules import count_batches, count_epochs, make_schedule
from fwibench.specs.method import TrainingOptions


@pytest.mark.parametrize(
    ("options", "epochs"),
    [
        ({"epochs": 4}, 4),
        ({"epochs": 4, "min_batches": 41}, 5),
        ({"epochs": 4, "min_batches": 12}, 4),
        ({"epochs": 4, "max_batches": 25}, 3),
        ({"epochs": 4, "min_batches": 100, "max_batches": 25}, 3),
    ],
)
def test_numbers_of_batches_change_the_epochs(options: dict[str, int], epochs: int) -> None:
    assert count_epochs(TrainingOptions(**options), batches=10) == epochs


@pytest.mark.parametrize(("samples", "sizes"), [(14, [5, 5]), (15, [5, 5, 5]), (3, [3]), (5, [5])])
def test_incomplete_batches_are_left_out_on_request(samples: int, sizes: list[int]) -> None:
    batches = even_batches(np.arange(samples), 5, drop_last=True)
    assert [len(batch) for batch in batches] == sizes
    assert count_batches(samples, 5, drop_last=True) == len(sizes)
    assert np.array_equal(np.concatenate(batches), np.arange(sum(sizes)))


def rates(options: TrainingOptions, per_epoch: int, epochs: int) -> list[float]:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=options.learning_rate)
    schedule = make_schedule(optimizer, options, per_epoch, per_epoch * epochs)
    found = []
    for _ in range(per_epoch * epochs):
        found.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return found


def test_cosine_restarts_follow_their_formula() -> None:
    options = TrainingOptions(
        schedule="cosine-restarts", learning_rate=0.1, min_learning_rate=0.02, restart_epochs=2, restart_factor=3
    )
    expected = [
        0.02 + 0.08 * (1 + math.cos(math.pi * step / period)) / 2 for period in (2 * 4, 6 * 4) for step in range(period)
    ]
    assert rates(options, per_epoch=4, epochs=8) == pytest.approx(expected)


def test_restarts_without_decay_keep_the_rate() -> None:
    options = TrainingOptions(schedule="cosine-restarts", learning_rate=0.1, min_learning_rate=0.1)
    assert rates(options, per_epoch=1, epochs=20) == pytest.approx([0.1] * 20)


def test_lowest_rate_above_the_highest_is_an_error() -> None:
    with pytest.raises(ValidationError, match=r"min_learning_rate is 0\.1, above the learning_rate of 0\.01"):
        TrainingOptions(learning_rate=0.01, min_learning_rate=0.1)
