import itertools
import math

import numpy as np
import pytest
from scipy import stats

from fwibench.boards.pairwise import Comparison, compare
from fwibench.boards.samples import Samples
from fwibench.boards.statistics import (
    RESAMPLES,
    holm,
    indistinguishable,
    interval,
    interval_of_difference,
    rank_biserial,
    tail,
    wilcoxon,
)


def samples(*seeds: list[float], ids: tuple[str, ...] = ()) -> Samples:
    scores = np.array(seeds, float)
    return Samples(ids or tuple(map(str, range(scores.shape[1]))), {"mae": scores})


def test_the_interval_of_one_seed_is_scipys_for_the_expanded_level() -> None:
    scores = np.random.default_rng(0).lognormal(size=40)
    low, high = interval(scores[None]) or (0, 0)
    level = 1 - 2 * stats.norm.cdf(math.sqrt(40 / 39) * stats.t.ppf(0.025, 39))
    assert level == pytest.approx(1 - 2 * tail(40))
    theirs = stats.bootstrap(
        (scores,), np.mean, n_resamples=20000, method="percentile", confidence_level=level, rng=1
    ).confidence_interval
    # the ends of 2000 resamples themselves scatter by about a twentieth of the width
    assert [low, high] == pytest.approx(list(theirs), abs=0.1 * (theirs.high - theirs.low))


def test_the_interval_over_seeds_is_that_of_all_resamples() -> None:
    scores = np.array([[1.0, 4.0, 2.0, 8.0, 5.0, 7.0], [3.0, 9.0, 5.0, 1.0, 6.0, 2.0]])
    draws = itertools.product(itertools.product(range(2), repeat=2), itertools.product(range(6), repeat=6))
    means = [scores[list(seeds)][:, list(chosen)].mean() for seeds, chosen in itertools.islice(draws, 0, None, 5)]
    exact = np.quantile(means, [tail(6), 1 - tail(6)])
    assert interval(scores) == pytest.approx(exact, abs=0.35)
    samples_alone = interval(scores.mean(0, keepdims=True)) or (0, 0)
    assert np.ptp(interval(scores) or (0, 0)) > np.ptp(samples_alone)


def test_an_interval_is_the_same_every_time_whatever_comes_before() -> None:
    scores = np.random.default_rng(0).lognormal(size=(3, 25))
    first = interval(scores)
    for n in range(2, 12):
        interval(np.ones((n, n)))
    assert interval(scores) == first
    many = np.random.default_rng(1).normal(size=(2, 5000))
    assert interval(many) == interval(many)
    assert RESAMPLES == 2000


@pytest.mark.parametrize("n", [10, 60])
def test_an_interval_holds_the_mean_about_as_often_as_it_says(n: int) -> None:
    generator = np.random.default_rng(n)
    ends = [interval(generator.normal(size=(1, n))) or (0, 0) for _ in range(400)]
    assert 0.92 <= np.mean([low <= 0 <= high for low, high in ends]) <= 0.98


def test_the_interval_of_a_difference_pairs_samples_and_draws_seeds() -> None:
    generator = np.random.default_rng(0)
    a, effect = generator.lognormal(3, 1, (1, 40)), generator.normal(1, 0.1, (1, 40))
    low, high = interval_of_difference(a + effect, a) or (0, 0)
    assert (low, high) == pytest.approx(interval(effect), rel=1e-9), "what both share does not count"
    seeds = np.array([[-5.0], [0.0], [5.0]])
    spread = interval_of_difference(a + effect + seeds, a) or (0, 0)
    assert spread[0] < -2
    assert spread[1] > 4
    both = interval_of_difference(a + effect + seeds, a + seeds) or (0, 0)
    assert np.ptp(both) > 1.1 * np.ptp(spread), "their seeds are drawn apart"
    assert interval_of_difference(a[:, :1], a[:, :1]) is None
    assert interval_of_difference(a, np.full_like(a, np.nan)) is None


@pytest.mark.parametrize("scores", [[[1.0]], [[1.0], [2.0]], [[1.0, np.nan, 2.0]]])
def test_an_interval_that_cannot_be_computed_is_none(scores: list[list[float]]) -> None:
    assert interval(np.array(scores)) is None


def test_holm_by_hand() -> None:
    # ordered 0.01 0.02 0.03 0.04: times 4, 3, 2, 1, never falling
    assert holm([0.03, 0.01, 0.04, 0.02]) == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


def test_the_rank_biserial_correlation_by_hand() -> None:
    # ranks of 1 -2 3 -4 5 (0 left out): 1 + 3 + 5 against 2 + 4, of 15
    assert rank_biserial(np.array([1.0, -2, 0, 3, -4, 5])) == pytest.approx(3 / 15)
    assert rank_biserial(np.array([-1.0, -2, -3])) == -1
    assert rank_biserial(np.zeros(3)) == 0


def test_rank_biserial_correlations_of_several_pairs_are_those_of_each() -> None:
    rows = np.random.default_rng(0).integers(-3, 4, (20, 9)).astype(float)
    rows[0] = 0
    together = rank_biserial(rows)
    assert together.shape == (20,)
    assert together.tolist() == [float(rank_biserial(row)) for row in rows]


def test_rank_biserial_correlation_leaves_zeros_out() -> None:
    # ranks of 2 and -1: 2 against 1, of 3
    assert rank_biserial(np.array([0.0, 2, -1, 0, 0])) == pytest.approx(1 / 3)


@pytest.mark.parametrize("n", [6, 20, 80])
def test_p_values_of_many_pairs_are_those_of_each(n: int) -> None:
    differences = np.random.default_rng(n).normal(0.3, size=(4, n))
    differences[1, 0] = 0
    differences[2] = 0
    together = wilcoxon(differences)
    assert together[2] == 1
    for row in (0, 1, 3):
        assert together[row] == pytest.approx(stats.wilcoxon(differences[row]).pvalue)
    assert wilcoxon(np.arange(1.0, 7)[None]) == pytest.approx([2 / 2**6])


def test_pairs_are_by_sample_id_with_seeds_averaged_first() -> None:
    a = samples([1.0, 2, 3], [3.0, 4, 5], ids=("x", "y", "z"))
    b = samples([10.0, 20, 30], ids=("z", "q", "x"))
    (made,), faults = compare([("a", "b")], {"a": a, "b": b}, "mae")
    assert not faults
    assert made.n == 2
    # x: 2 - 30, z: 4 - 10
    assert made.difference == pytest.approx((-28 - 6) / 2)
    assert (made.mean, made.other_mean) == (3, 20)
    assert made.effect == -1
    assert (made.seeds, made.other_seeds) == (2, 1)
    # of two samples the interval is that of all resamples: the first seed on x, the second on z
    assert made.ci_low == pytest.approx(1 - 30)
    assert made.ci_high == pytest.approx(5 - 10)


def test_samples_without_a_score_are_left_out_and_pairs_without_shared_ones_reported() -> None:
    a, b = samples([1.0, np.nan, 3]), samples([2.0, 2.0, 2.0])
    (made,), _ = compare([("a", "b")], {"a": a, "b": b}, "mae")
    assert made.n == 2
    none, faults = compare([("a", "b")], {"a": a, "b": samples([1.0], ids=("other",))}, "mae")
    assert not none
    assert faults == ["a and b share no samples with a score of mae"]
    assert compare([("a", "b")], {"a": a, "b": b}, "ssim") == ([], ["a and b share no samples with a score of ssim"])


def test_comparisons_are_corrected_together() -> None:
    generator = np.random.default_rng(0)
    noise = generator.normal(size=(3, 30))
    every = {name: samples(list(noise[i] + shift)) for i, (name, shift) in enumerate((("a", 0), ("b", 0.9), ("c", 2)))}
    made, _ = compare([("a", "b"), ("a", "c"), ("b", "c")], every, "mae")
    assert [one.p_holm for one in made] == pytest.approx(holm([one.p for one in made]))
    assert any(one.p_holm > one.p for one in made)
    assert made[1].verdict(lambda score: score) == "a"
    assert made[1].verdict(lambda score: -score) == "c"


def test_no_method_is_better_if_mean_and_ranks_disagree() -> None:
    steady = np.full(30, 20.0) + np.random.default_rng(0).normal(0, 0.1, 30)
    mostly = steady - 5
    mostly[:5] = 80.0
    every = {"steady": samples(list(steady)), "mostly": samples(list(mostly))}
    (made,), _ = compare([("steady", "mostly")], every, "mae")
    assert made.difference < 0 < made.effect
    assert made.p_holm < 0.05
    assert made.verdict(lambda score: score) == "mean and ranks disagree"
    assert indistinguishable(every["steady"], [every["mostly"]], "mae", "low") == [True], "not behind the best"
    assert indistinguishable(every["steady"], [samples(list(steady + 5))], "mae", "low") == [False]


def test_a_verdict_needs_a_p_value_below_five_percent() -> None:
    one = Comparison("a", "b", "mae", 9, 9, 1, 1, 1.0, 2.0, -1.0, None, None, 0.04, 0.05, -1.0)
    assert one.verdict(lambda score: score) == "statistically indistinguishable"
