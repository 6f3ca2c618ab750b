import itertools

import numpy as np
import pytest
from scipy import stats

from fwibench.leaderboard.comparison import compare, holm, rank_biserial, wilcoxon
from fwibench.leaderboard.intervals import RESAMPLES, interval
from fwibench.leaderboard.samples import Samples


def samples(*seeds: list[float], ids: tuple[str, ...] = ()) -> Samples:
    scores = np.array(seeds, float)
    return Samples(ids or tuple(map(str, range(scores.shape[1]))), {"mae": scores})


def test_the_interval_of_one_seed_is_scipys() -> None:
    scores = np.random.default_rng(0).lognormal(size=40)
    low, high = interval(scores[None]) or (0, 0)
    theirs = stats.bootstrap((scores,), np.mean, n_resamples=20000, method="percentile", rng=1).confidence_interval
    # the ends of 2000 resamples themselves scatter by about a twentieth of the width
    assert [low, high] == pytest.approx(list(theirs), abs=0.1 * (theirs.high - theirs.low))


def test_the_interval_over_seeds_is_that_of_all_resamples() -> None:
    scores = np.array([[1.0, 4.0, 2.0], [3.0, 9.0, 5.0]])
    draws = itertools.product(itertools.product(range(2), repeat=2), itertools.product(range(3), repeat=3))
    means = [scores[np.ix_(seeds, chosen)].mean() for seeds, chosen in draws]
    exact = np.quantile(means, [0.025, 0.975])
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


def test_an_interval_holds_the_mean_about_as_often_as_it_says() -> None:
    generator = np.random.default_rng(0)
    ends = [interval(generator.normal(size=(1, 60))) or (0, 0) for _ in range(400)]
    assert 0.91 <= np.mean([low <= 0 <= high for low, high in ends]) <= 0.98


@pytest.mark.parametrize("scores", [[[1.0]], [[1.0], [2.0]], [[1.0, np.nan, 2.0]]])
def test_an_interval_that_cannot_be_had_is_none(scores: list[list[float]]) -> None:
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
    assert made.ci_low == pytest.approx(-28)
    assert made.ci_high == pytest.approx(-6)


def test_samples_without_a_score_are_left_out_and_no_shared_ones_are_said() -> None:
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
    assert made[1].told_apart
