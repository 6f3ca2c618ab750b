"""Studies as tables: printed values beside ours, gaps named, nothing invented."""

import numpy as np
import pytest

from fwibench.specs.study import PublishedValue, Quantity
from fwibench.studies.printed import printed_numbers
from fwibench.studies.tables import FIELDS, long_table, make_tables
from tests.studies.made_up import MAE, make_case, make_results, make_spec, with_costs, with_scores

A, B = make_case("a"), make_case("b")
OTHER = make_case("a", dataset="marmousi")
ERRORS = np.linspace(90, 110, 20)


def printed(row: str, value: float, block: str = "salt", **fields: object) -> PublishedValue:
    return PublishedValue(block=block, row=row, value=value, source="table 2", **{"quantity": "mae", **fields})  # type: ignore[arg-type]


def test_published_values_stand_beside_ours() -> None:
    spec = make_spec([A, B], published=(printed("a", 24.6), printed("b", 25.98)))
    (table,) = make_tables(make_results(spec, [with_scores(A, ERRORS), with_scores(B, ERRORS)]))
    assert table.title == "salt"
    assert table.header == ("row", "MAE [m/s]", "95 %", "published MAE")
    assert [row[0] for row in table.rows] == ["a", "b"]
    assert table.rows[0][1] == "100.0"
    assert table.rows[0][3] == "24.60"


def test_block_that_is_not_printed_shows_the_values_of_the_printed_one_under_its_name() -> None:
    spec = make_spec([OTHER, A], published=(printed("a", 136.67, block="marmousi"),))
    tables = make_tables(make_results(spec, [with_scores(A, ERRORS)]))
    assert "published MAE" in tables[0].header
    assert tables[1].header[-1] == "published MAE (marmousi)"


def test_gap_is_named_and_its_cells_are_empty() -> None:
    (table,) = make_tables(make_results(make_spec([A, B]), [with_scores(A, ERRORS)]))
    assert table.header[-1] == "missing"
    assert table.rows[1] == ["b", "", "", "not run"]


def test_long_table_has_a_line_for_each_number() -> None:
    spec = make_spec([A, B], quantities=(MAE, Quantity(key="ssim")), published=(printed("a", 24.6),))
    lines = long_table(make_results(spec, [with_scores(A, ERRORS)]))
    assert [tuple(line) for line in lines] == [FIELDS] * 4
    first, last = lines[0], lines[-1]
    assert (first["value"], first["published"], first["unit"]) == (pytest.approx(100.0), 24.6, "m/s")
    assert (last["value"], last["status"]) == (None, "not run")


def test_verdict_on_a_printed_count_knows_its_digits() -> None:
    count = Quantity(key="parameters", exact=True)
    values = (
        printed("a", 1.45e6, quantity="parameters", rounding=5e3),
        printed("b", 1.45e6, quantity="parameters", rounding=5e3),
    )
    spec = make_spec([A, B], quantities=(count,), published=values)
    found = printed_numbers(make_results(spec, [with_costs(A, [1.0], 1_447_001), with_costs(B, [1.0], 2_900_000)]))
    assert [one.verdict for one in found] == ["agrees to the printed digits", "ours is 2.00 times the printed one"]


def test_verdict_names_the_caveat_and_missing_runs() -> None:
    spec = make_spec([A, B], published=(printed("a", 100.5, caveat="other data"), printed("b", 1.0)))
    found = printed_numbers(make_results(spec, [with_scores(A, ERRORS)]))
    assert found[0].verdict == "inside our 95 % interval; other data"
    assert found[1].verdict == "not run"
