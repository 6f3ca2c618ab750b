"""Claims: decided where intervals say so, and left open otherwise."""

from typing import Any

import numpy as np
import pytest

from fwibench.errors import UsageError
from fwibench.specs.study import Claim, Quantity
from fwibench.studies.claims import Verdict, judge
from tests.studies.made_up import make_case, make_results, make_spec, with_costs, with_scores

RNG = np.random.default_rng(18)
# samples differ much more than seeds
ERRORS = 100 + 20 * RNG.standard_normal(40) + 0.5 * RNG.standard_normal((2, 40))
A, B, C = make_case("a"), make_case("b"), make_case("c")


def claim(kind: Any, first: str = "a", others: tuple[str, ...] = ("b",), **fields: Any) -> Claim:
    return Claim(kind=kind, text="said", block="salt", first=first, others=others, **{"quantity": "mae", **fields})


def verdict(one: Claim, *results: Any, **fields: Any) -> Verdict:
    spec = make_spec([result.case for result in results], [one], **fields)
    (found,) = judge(make_results(spec, results))
    return found


def test_a_clear_difference_decides_both_ways() -> None:
    better, worse = with_scores(A, ERRORS - 15), with_scores(B, ERRORS)
    assert verdict(claim("better"), better, worse).outcome == "holds"
    opposite = verdict(claim("better", "b", ("a",)), better, worse)
    assert opposite.outcome == "does not hold"
    assert "95 %" in opposite.evidence
    assert "40 test samples, 2 and 2 seeds" in opposite.evidence


def test_a_difference_within_its_spread_cannot_be_told_and_says_how_many_samples_would() -> None:
    noise = 30 * RNG.standard_normal((2, 40))
    found = verdict(claim("better"), with_scores(A, ERRORS + noise - noise.mean() - 1), with_scores(B, ERRORS))
    assert found.outcome == "cannot be told"
    assert "a difference of this size needs about" in found.evidence


def test_claim_about_a_score_that_is_best_between_low_and_high_raises() -> None:
    a, b = (with_scores(case, ERRORS[:1], {"coverage-90": np.full((1, 40), 0.9)}) for case in (A, B))
    with pytest.raises(UsageError, match="coverage_90 has a best value between low and high ones"):
        verdict(claim("better", quantity="coverage_90"), a, b, quantities=(Quantity(key="coverage_90"),))


def test_few_samples_never_decide() -> None:
    few = verdict(claim("better"), with_scores(A, [[1, 2, 1]]), with_scores(B, [[9, 8, 9]]))
    assert few.outcome == "cannot be told"


def test_comparable_means_at_most_a_share_worse() -> None:
    a, b = with_scores(A, 1.02 * ERRORS), with_scores(B, ERRORS)
    assert verdict(claim("close", bound=0.05), a, b).outcome == "holds"
    assert verdict(claim("close", bound=0.01), a, b).outcome == "does not hold"


def test_comparable_goes_the_other_way_where_high_is_better() -> None:
    ssim = np.clip(0.8 + 0.02 * RNG.standard_normal((1, 40)), 0, 1)
    a = with_scores(A, ERRORS[:1], {"ssim": 0.97 * ssim})
    b = with_scores(B, ERRORS[:1], {"ssim": ssim})
    quantities = {"quantities": (Quantity(key="ssim"),)}
    assert verdict(claim("close", bound=0.05, quantity="ssim"), a, b, **quantities).outcome == "holds"
    assert verdict(claim("close", bound=0.01, quantity="ssim"), a, b, **quantities).outcome == "does not hold"


def test_the_best_row_beats_every_other() -> None:
    a, b, c = with_scores(A, ERRORS - 20), with_scores(B, ERRORS), with_scores(C, ERRORS - 25)
    best = claim("best", others=())
    assert verdict(best, a, b).outcome == "holds"
    assert verdict(best, a, b, c).outcome == "does not hold"


def test_a_missing_row_leaves_a_claim_open_and_is_named() -> None:
    spec = make_spec([A, B], [claim("better")])
    (found,) = judge(make_results(spec, [with_scores(A, ERRORS)]))
    assert (found.outcome, found.evidence) == ("cannot be told", "b: not run")


def test_a_factor_of_errors_has_an_interval() -> None:
    a, b = with_scores(A, 12 * ERRORS), with_scores(B, ERRORS)
    assert verdict(claim("ratio", bound=10.0), a, b).outcome == "holds"
    assert verdict(claim("ratio", bound=14.0), a, b).outcome == "does not hold"


def test_times_of_several_seeds_decide_a_ratio_and_one_seed_does_not() -> None:
    latency = {"quantities": (Quantity(key="predict_ms_cpu1"),)}
    fast = claim("ratio", "b", ("a",), bound=16.0, quantity="predict_ms_cpu1")
    slow = with_costs(B, [79.0, 80.0, 81.0])
    assert verdict(fast, with_costs(A, [4.0, 4.1, 3.9]), slow, **latency).outcome == "holds"
    assert verdict(fast, with_costs(A, [8.0, 8.1, 7.9]), slow, **latency).outcome == "does not hold"
    assert verdict(fast, with_costs(A, [4.0, 9.0, 3.0]), slow, **latency).outcome == "cannot be told"
    alone = verdict(fast, with_costs(A, [1.0]), with_costs(B, [80.0]), **latency)
    assert alone.outcome == "cannot be told"
    assert "no interval" in alone.evidence


def test_counts_decide_by_themselves() -> None:
    parameters = {"quantities": (Quantity(key="parameters", exact=True),)}
    small, large = with_costs(A, [1.0], parameters=145), with_costs(B, [1.0], parameters=2441)
    tenth = claim("ratio", "b", ("a",), bound=10.0, quantity="parameters")
    assert verdict(tenth, small, large, **parameters).outcome == "holds"
    assert verdict(tenth.model_copy(update={"bound": 20.0}), small, large, **parameters).outcome == "does not hold"


@pytest.mark.parametrize(("bound", "outcome"), [(0.80, "holds"), (0.90, "cannot be told"), (0.99, "does not hold")])
def test_reported_numbers_are_judged_by_their_reported_interval(bound: float, outcome: str) -> None:
    r2 = {"quantities": (Quantity(key="diagnostics.r2", better="high"),)}
    figures = {"r2": 0.9, "r2_low": 0.85, "r2_high": 0.95}
    one = claim("at-least", others=(), bound=bound, quantity="diagnostics.r2")
    assert verdict(one, with_scores(A, ERRORS, diagnostics=figures), **r2).outcome == outcome
    lacking = verdict(one, with_scores(A, ERRORS[:1], diagnostics={"r2": 0.9}), **r2)
    assert lacking.outcome == "cannot be told"


def test_claims_of_unselected_blocks_are_left_out() -> None:
    elsewhere = make_case("a", dataset="marmousi")
    spec = make_spec(
        [A, elsewhere, make_case("b", dataset="marmousi")], [claim("better").model_copy(update={"block": "marmousi"})]
    )
    results = make_results(spec, [with_scores(A, ERRORS)])
    results.cases.pop(("marmousi", "a", ""))
    results.cases.pop(("marmousi", "b", ""))
    assert judge(results) == []
