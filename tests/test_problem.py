import numpy as np
import pytest
import torch
from pydantic import ValidationError

from fwibench.datasets.kimberlina.reservoir import PROBLEM
from fwibench.problem import Amplitude, Problem

ROWS = (1e-7, 5e-12, 3.0)


def by_hand(values: np.ndarray, *, log: bool) -> np.ndarray:
    scaled = values / np.array(ROWS)[:, None]
    low, high = -2.0, 4.0
    if log:
        scaled, low, high = np.sign(scaled) * np.log1p(np.abs(scaled)), -np.log1p(2.0), np.log1p(4.0)
    return (scaled - low) / (high - low) * 2 - 1


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize("shape", [(4, 2, 3, 5), (2, 3, 5), (3, 5)])
def test_rows_divide_before_the_logarithm(log: bool, shape: tuple[int, ...]) -> None:
    values = np.random.default_rng(0).uniform(-2, 4, shape) * np.array(ROWS)[:, None]
    before, amplitude = values.copy(), Amplitude(low=-2.0, high=4.0, log=log, rows=ROWS)
    ours = amplitude.normalise(values, np)
    np.testing.assert_allclose(ours, by_hand(values, log=log), rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(ours, amplitude.scale(amplitude.compress(values, np)))
    np.testing.assert_array_equal(values, before)
    tensor = amplitude.normalise(torch.from_numpy(values).float(), torch)
    assert tensor.dtype == torch.float32
    np.testing.assert_allclose(tensor, ours, rtol=1e-5, atol=1e-5)


def test_normalise_without_rows_does_not_copy() -> None:
    values = np.ones((2, 3, 5), np.float32)
    assert Amplitude(low=-1.0, high=1.0).compress(values, np) is values


def test_rows_are_on_the_device_of_the_tensor() -> None:
    values = torch.empty((2, 3, 5), device="meta")
    assert Amplitude(low=-1.0, high=1.0, rows=ROWS).normalise(values, torch).device.type == "meta"


def test_rows_must_match_the_measurement_and_be_positive() -> None:
    short = PROBLEM.amplitude.model_copy(update={"rows": ROWS})
    with pytest.raises(ValidationError, match="3 rows, expected none or 16"):
        Problem.model_validate({**PROBLEM.model_dump(), "amplitude": short.model_dump()})
    with pytest.raises(ValidationError, match="greater than 0"):
        Amplitude(low=-1.0, high=1.0, rows=(1.0, 0.0))


def test_physics_survives_a_json_round_trip() -> None:
    assert Problem.model_validate_json(PROBLEM.model_dump_json()) == PROBLEM
