"""Declarations of studies: what contradicts itself is refused when it is declared."""

from typing import Any

import pytest
from pydantic import ValidationError

from fwibench.specs.study import Claim, PublishedValue, Quantity
from tests.studies.made_up import make_case, make_spec

A, B = make_case("a"), make_case("b")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"kind": "better"}, "needs others"),
        ({"kind": "best", "others": ("b",)}, "has no others"),
        ({"kind": "ratio", "others": ("b",)}, "needs a bound"),
        ({"kind": "better", "others": ("b",), "bound": 2.0}, "has no bound"),
    ],
)
def test_incomplete_claim_is_refused(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        Claim(text="said", quantity="mae", block="salt", first="a", **fields)


def test_two_cases_of_one_place_are_refused() -> None:
    with pytest.raises(ValidationError, match="two cases have the place salt / a"):
        make_spec([A, A])


def test_published_value_without_a_case_is_refused() -> None:
    value = PublishedValue(block="salt", row="c", quantity="mae", value=1, source="table 1")
    with pytest.raises(ValidationError, match="no case has the place salt / c"):
        make_spec([A], published=(value,))


def test_claim_about_an_unknown_row_or_quantity_is_refused() -> None:
    one = Claim(kind="better", text="said", quantity="mae", block="salt", first="a", others=("c",))
    with pytest.raises(ValidationError, match="names the row c"):
        make_spec([A, B], [one])
    with pytest.raises(ValidationError, match="'ssim' is not among the quantities"):
        make_spec([A, B], [one.model_copy(update={"others": ("b",), "quantity": "ssim"})])


def test_rows_are_left_out_in_the_profile_that_says_so() -> None:
    study = make_spec([A, B], efforts={"quick": {"without": ("b",)}})
    assert study.cases_of("quick") == (A,)
    assert study.cases_of("paper") == (A, B)


@pytest.mark.parametrize("without", [("c",), ("a", "c"), ("a", "b")])
def test_leaving_out_unknown_or_all_rows_is_refused(without: tuple[str, ...]) -> None:
    with pytest.raises(ValidationError, match="leaves out rows that do not exist, or all of them"):
        make_spec([A, B], efforts={"quick": {"without": without}})


def test_profile_without_an_effort_has_one_seed() -> None:
    assert make_spec([A], quantities=(Quantity(key="mae"),)).effort("smoke").seeds == 1
