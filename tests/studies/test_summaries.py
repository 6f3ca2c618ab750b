"""Summaries of rows: area under a curve, and exponent of a power law."""

import numpy as np
import pytest

from fwibench.studies.summaries import area, power_law, summary_value
from fwibench.studies.tables import make_tables
from tests.studies.made_up import MAE, make_case, make_results, make_spec, with_scores

SAMPLES = np.linspace(0.5, 1.5, 12)


def test_area_is_the_mean_height_over_the_axis() -> None:
    cases = [make_case("a", column=str(x), x=x) for x in (0.0, 1.0, 3.0)]
    found = [with_scores(case, height * SAMPLES) for case, height in zip(cases, (10, 20, 40), strict=True)]
    whole = area(found)
    assert whole is not None
    # trapezoids of 15 and 2 x 30, over a width of 3
    np.testing.assert_allclose(whole.values["mae"], 25 * SAMPLES[None])
    value = summary_value(make_results(make_spec(cases, row_summary="area"), found), "salt", "a", MAE)
    assert value.mean == pytest.approx(25)
    assert value.ends is not None
    assert value.ends[0] < 25 < value.ends[1]


def test_power_law_is_found_with_its_interval() -> None:
    sizes = (10, 20, 40, 80)
    cases = [make_case("a", column=f"n = {n}", x=n) for n in sizes]
    rng = np.random.default_rng(0)
    found = [
        with_scores(case, 7 * n**-0.4 * SAMPLES * np.exp(0.02 * rng.standard_normal(12)))
        for n, case in zip(sizes, cases, strict=True)
    ]
    fitted = power_law(found, "mae")
    assert fitted is not None
    exponent, (low, high) = fitted
    # the noise of 2 % over three octaves leaves an error of about 0.02 / (12 ** 0.5 * ln 8)
    assert exponent == pytest.approx(0.4, abs=0.02)
    assert low <= exponent <= high


def test_incomplete_rows_have_no_summary() -> None:
    cases = [make_case("a", column=str(x), x=x) for x in (0.0, 1.0)]
    results = make_results(make_spec(cases, row_summary="area"), [with_scores(cases[0], SAMPLES)])
    assert summary_value(results, "salt", "a", MAE).mean is None
    (table,) = make_tables(results)
    assert table.header == ("row", "0.0", "1.0", "mean over the axis", "95 %", "missing")
    assert table.rows[0][-1] == "not run"
