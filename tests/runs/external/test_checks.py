import re

import numpy as np
import pytest

from fwibench.errors import DataError
from fwibench.problem import Property
from fwibench.runs.external.checks import check_order, check_orientation, check_values, in_order
from fwibench.runs.external.files import Given

VELOCITY = Property(name="velocity", unit="m/s", low=1500, high=4500)
CONDUCTIVITY = Property(name="conductivity", unit="S/m", low=0.01, high=0.5)
IDS = tuple(f"salt-{number:06d}" for number in range(40))


def geology(seed: int, n: int = 40, size: int = 20) -> np.ndarray:
    """Layers with a dip, faster with depth."""
    rng = np.random.default_rng(seed)
    depth, x = np.mgrid[:size, :size] / size
    dips, tops = rng.uniform(-0.3, 0.3, n), np.sort(rng.uniform(0, 1, (n, 4)), axis=1)
    layers = [(depth + dip * x > top[:, None, None]).sum(0) for dip, top in zip(dips, tops, strict=True)]
    return (1700 + 600 * np.stack(layers)[:, None]).astype(np.float32)


def noisy(maps: np.ndarray, error: float) -> np.ndarray:
    return (maps + np.random.default_rng(9).normal(0, error, maps.shape)).astype(np.float32)


def test_maps_with_ids_are_put_into_the_order_of_the_split() -> None:
    maps, order = geology(0), np.random.default_rng(1).permutation(40)
    given = Given(maps[order], tuple(IDS[number] for number in order))
    np.testing.assert_array_equal(in_order(given, IDS), maps)


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (IDS[:37], r"3 of 40 ids are missing: salt-000037, salt-000038, salt-000039"),
        ((*IDS[:39], "salt-000099"), r"1 of 40 ids are unknown: salt-000099"),
        ((*IDS[:39], "salt-000003"), r"1 of 39 ids are duplicate: salt-000003"),
        (None, r"holds 37 maps, expected 40"),
    ],
)
def test_incomplete_samples_are_an_error_that_names_them(ids: tuple[str, ...] | None, message: str) -> None:
    given = Given(geology(0)[: 37 if ids is None else len(ids)], ids)
    with pytest.raises(DataError, match=message):
        in_order(given, IDS)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite_are_an_error_that_names_the_sample(bad: float) -> None:
    maps = geology(0)
    maps[7, 0, 3, 3] = bad
    with pytest.raises(DataError, match="1 of 40 maps hold NaN or infinite values; the first is of salt-000007"):
        check_values(maps, IDS, VELOCITY, "p.npy")


@pytest.mark.parametrize(
    ("bounds", "change", "advice"),
    [
        (VELOCITY, lambda maps: maps / 1000, "look like km/s: multiply by 1000"),
        (VELOCITY, lambda maps: noisy(maps, 200) / 1000, "look like km/s"),
        (VELOCITY, lambda maps: (maps - 1500) / 3000, r"normalised to \[0, 1\]: 1500 \+ 3000 \* \(maps - 0\)"),
        (VELOCITY, lambda maps: (maps - 3000) / 1500, r"normalised to \[-1, 1\]: 1500 \+ 1500 \* \(maps - -1\)"),
        (CONDUCTIVITY, lambda maps: maps / 15, "look like mS/m: multiply by 0.001"),
        (VELOCITY, lambda maps: maps * 17, "another property or in an unknown unit"),
    ],
)
def test_another_unit_is_an_error_that_names_the_unit(bounds: Property, change: object, advice: str) -> None:
    with pytest.raises(DataError) as error:
        check_values(change(geology(0)), IDS, bounds, "p.npy")  # type: ignore[operator]
    assert "far outside of the bounds" in error.value.message
    assert re.search(advice, error.value.hint), error.value.hint


def test_values_in_the_unit_pass_and_many_outside_of_the_bounds_are_a_note() -> None:
    assert check_values(noisy(geology(0), 300), IDS, VELOCITY, "p.npy") == []
    (note,) = check_values(geology(0) - 1200, IDS, VELOCITY, "p.npy")
    assert "of the predicted nodes lie outside of 1500 to 4500 m/s" in note


@pytest.mark.parametrize(
    ("turn", "what"),
    [
        (lambda maps: maps.swapaxes(-1, -2), "transposed"),
        (lambda maps: maps[..., ::-1, :], "upside down"),
        (lambda maps: maps[..., ::-1], "mirrored"),
    ],
)
def test_another_orientation_of_square_maps_is_an_error(turn: object, what: str) -> None:
    truth = geology(0)
    check_orientation(noisy(truth, 100), truth, "p.npy")
    with pytest.raises(DataError, match=what):
        check_orientation(turn(noisy(truth, 100)), truth, "p.npy")  # type: ignore[operator]


def test_another_order_is_an_error() -> None:
    truth = geology(0)
    assert check_order(noisy(truth, 100), truth, "p.npy") == []
    for order in (np.arange(40)[::-1], np.roll(np.arange(40), 1), np.random.default_rng(3).permutation(40)):
        with pytest.raises(DataError, match="not in the order of the test split"):
            check_order(noisy(truth[order], 100), truth, "p.npy")


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("kind", ["other maps", "mean map", "means of maps", "noise", "constant"])
def test_predictions_that_ignore_the_measurements_are_never_rejected(kind: str, seed: int) -> None:
    truth, others = geology(2 * seed), geology(2 * seed + 1, 120)
    maps = {
        "other maps": others[:40],
        "mean map": others.mean(0, keepdims=True).repeat(40, 0),
        "means of maps": others.reshape(40, 3, 1, 20, 20).mean(1),
        "noise": np.random.default_rng(seed).uniform(1500, 4500, truth.shape).astype(np.float32),
        "constant": np.full_like(truth, 2500),
    }[kind]
    check_orientation(maps, truth, "p.npy")
    notes = check_order(maps, truth, "p.npy")
    if kind in ("mean map", "constant"):
        assert "no better than in a random one (999 of 999" in notes[0]


def test_few_samples_are_not_judged_by_the_truth() -> None:
    truth = geology(0, 5)
    check_orientation(truth.swapaxes(-1, -2), truth, "p.npy")
    assert check_order(truth[::-1], truth, "p.npy") == []
