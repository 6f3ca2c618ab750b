"""Intervals of what was measured."""

import math

import pytest

from fwibench.studies.results import over_seeds, over_seeds_of_costs


def test_interval_of_costs_is_positive_and_holds_their_geometric_mean() -> None:
    low, high = over_seeds_of_costs((1.0, 3.0)) or (0.0, 0.0)
    assert 0 < low < math.sqrt(3) < high
    assert low * high == pytest.approx(3)


def test_interval_of_equal_costs_is_that_cost() -> None:
    assert over_seeds_of_costs((2.0, 2.0, 2.0)) == pytest.approx((2.0, 2.0))


@pytest.mark.parametrize("each", [(), (1.0,), (0.0, 1.0)])
def test_costs_of_one_seed_or_of_zero_have_no_interval(each: tuple[float, ...]) -> None:
    assert over_seeds_of_costs(each) is None


def test_interval_of_seeds_widens_with_their_spread_and_shrinks_with_their_number() -> None:
    def width(*each: float) -> float:
        low, high = over_seeds(each) or (0.0, 0.0)
        return high - low

    assert width(0.0, 2.0) > width(0.0, 1.0) > width(0.0, 1.0, 0.0, 1.0) > 0
