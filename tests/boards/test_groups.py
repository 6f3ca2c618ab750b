"""Samples of one group are not independent: intervals, tests and ranks count groups."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from fwibench.boards.board import ONE_SEED, Board
from fwibench.boards.columns import columns_of
from fwibench.boards.pairwise import compare, compare_all
from fwibench.boards.samples import Samples, group_numbers
from fwibench.boards.statistics import interval, interval_of_difference
from fwibench.boards.tables import make_tables
from fwibench.cli.console.leaderboards import compared_as_json
from fwibench.plugins.registry import Registry
from fwibench.report.page.summary import summarise
from fwibench.report.page.tables import make_groups
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.results import Results
from fwibench.runs.artefacts.scores import read_scores
from tests.boards.records import leave, read_board
from tests.conftest import Command

SCENARIOS = tuple(f"scenario-{number}" for number in (3, 1, 4, 15, 9, 2, 6, 5))
STEPS = 20
GROUPS = tuple(np.repeat(SCENARIOS, STEPS).tolist())


def grouped(generator: np.random.Generator, shift: float = 0.0) -> np.ndarray:
    """Scores whose groups differ far more than their samples."""
    return 10 + shift + np.repeat(generator.normal(size=8), STEPS) + generator.normal(0, 0.1, 160)


def test_the_interval_of_groups_holds_the_mean_where_that_of_samples_does_not() -> None:
    generator, grouping = np.random.default_rng(0), group_numbers(GROUPS)
    drawn = [grouped(generator)[None] for _ in range(200)]
    held, naive = (
        np.mean([low <= 10 <= high for scores in drawn for low, high in (interval(scores, how) or (0, 0),)])
        for how in (grouping, None)
    )
    # the standard error of a share of 0.95 in 200 trials is 0.015
    assert held >= 0.95 - 3 * 0.015
    # 0.29 in 1000 trials
    assert naive < 0.5


def test_the_interval_of_equal_groups_is_that_of_their_means() -> None:
    scores = np.random.default_rng(1).lognormal(size=(3, 160))
    means = scores.reshape(3, 8, STEPS).mean(axis=2)
    grouping = group_numbers(GROUPS)
    assert interval(scores, grouping) == pytest.approx(interval(means), rel=1e-12)
    assert interval_of_difference(scores, scores[:1] + 1, grouping) == pytest.approx(
        interval_of_difference(means, means[:1] + 1), rel=1e-12
    )


def test_a_larger_group_counts_for_more_in_a_resample() -> None:
    scores, grouping = np.array([[0.0, 0, 0, 8]]), np.array([0, 0, 0, 1])
    # both groups, the second twice, or the first twice: 2, 8 and 0
    assert interval(scores, grouping) == (0, 8)
    assert interval(np.array([[5.0, 5, 5, 5]]), grouping) == pytest.approx((5, 5), rel=1e-12)


def test_one_group_has_no_interval() -> None:
    assert interval(np.ones((2, 10)), np.zeros(10, int)) is None
    assert interval_of_difference(np.ones((2, 10)), np.ones((1, 10)), np.zeros(10, int)) is None


def test_groups_of_one_sample_change_nothing() -> None:
    assert group_numbers(()) is None
    assert group_numbers(("b", "a", "c")) is None
    assert (group_numbers(("b", "a", "b")) == [0, 1, 0]).all()


def test_independent_samples_have_the_numbers_of_earlier_versions() -> None:
    """Recorded with the version before groups; the last digits depend on the processor."""
    a = np.random.default_rng(0).lognormal(3, 1, (3, 25))
    b = np.random.default_rng(1).lognormal(3, 1, (2, 25))
    assert interval(a) == pytest.approx((22.752660447651895, 49.72055823221304), rel=1e-12)
    both = {name: Samples(tuple(map(str, range(25))), {"mae": scores}) for name, scores in (("a", a), ("b", b))}
    (made,), _ = compare([("a", "b")], both, "mae")
    found = (made.difference, made.ci_low, made.ci_high, made.p, made.effect)
    recorded = (5.954512225268611, -14.850138872307657, 23.788708519444764, 0.21998637914657593, 0.28615384615384615)
    assert found == pytest.approx(recorded, rel=1e-12)
    assert made.groups == made.n == 25


def test_the_test_has_one_pair_of_each_group() -> None:
    generator = np.random.default_rng(2)
    a, b = generator.normal(size=(2, 160)), generator.normal(0.1, size=(1, 160))
    samples = [Samples(tuple(map(str, range(160))), {"mae": scores}, GROUPS) for scores in (a, b)]
    (made,), _ = compare([("a", "b")], {"a": samples[0], "b": samples[1]}, "mae")
    assert (made.n, made.groups) == (160, 8)
    differences = (a.mean(axis=0) - b[0]).reshape(8, STEPS).mean(axis=1)
    assert made.p == pytest.approx(stats.wilcoxon(differences).pvalue)
    # a row of an early version has no groups: those of the other hold
    bare = replace(samples[1], groups=())
    assert compare([("a", "b")], {"a": samples[0], "b": bare}, "mae") == ([made], [])
    some = samples[0].only(samples[0].ids[::STEPS])
    (of_some,), _ = compare([("a", "b")], {"a": some, "b": samples[1]}, "mae")
    assert (of_some.n, of_some.groups) == (8, 8), "one sample a group"


def board_of(root: Path) -> Board:
    return read_board(root)


def test_too_few_groups_give_no_ranks_and_the_note_counts_them(tmp_path: Path) -> None:
    for number in range(4):
        errors = grouped(np.random.default_rng(5), shift=9.0 * number)
        leave(tmp_path, f"m{number}", errors[:140], groups=GROUPS[:140])
    board = board_of(tmp_path)
    assert [row["rank"] for row in board.rows] == [1, 2, 3, 4], "three comparisons need seven groups"
    assert {(row["n_test"], row["n_groups"]) for row in board.rows} == {(140, 7)}
    assert make_tables(board.rows)[0].title.endswith("140 test samples in 7 groups")
    for number in range(4):
        leave(tmp_path, f"m{number}", grouped(np.random.default_rng(5), 9.0 * number)[:120], groups=GROUPS[:120])
    board = board_of(tmp_path)
    assert [row["rank"] for row in board.rows] == [None] * 4
    assert board.notes[0].endswith(
        "not ranked, 6 groups (scenario-3, ...) of 120 test samples cannot distinguish 4 methods; at least 7 are needed"
    )
    (best,) = summarise(make_groups(board.rows))
    assert best.too_few
    assert (best.n_test, best.n_groups) == (120, 6)
    _, notes = compare_all(board.lines, [f"m{number}" for number in range(4)], board.columns.ranking)
    assert any("6 groups (scenario-3, ...) of 120 samples are too few for a significant" in note for note in notes)


def test_a_block_of_neighbouring_slices_is_one_group(tmp_path: Path) -> None:
    for number in range(2):
        leave(tmp_path, f"m{number}", np.arange(1.0, 11) + number, groups=("slices-from-100",) * 10)
    board = board_of(tmp_path)
    assert [(row["rank"], row["mae_ci_low"], row["n_groups"]) for row in board.rows] == [(None, None, 1)] * 2
    assert "1 group (slices-from-100) of 10 test samples cannot distinguish 2 methods" in board.notes[0]


def test_rows_of_early_versions_get_the_groups_of_other_rows(tmp_path: Path) -> None:
    generator = np.random.default_rng(3)
    leave(tmp_path, "new", grouped(generator), groups=GROUPS)
    leave(tmp_path, "old", grouped(generator))
    leave(tmp_path, "other", grouped(generator), fingerprint="0" * 64)
    rows = {row["method"]: row for row in board_of(tmp_path).rows}
    assert {name: row["n_groups"] for name, row in rows.items()} == {"new": 8, "old": 8, "other": None}
    width = {name: row["mae_ci_high"] - row["mae_ci_low"] for name, row in rows.items()}
    assert width["old"] > 2 * width["other"], "other data may have other groups"


def test_a_table_of_scores_has_groups_only_where_samples_share_one(tmp_path: Path) -> None:
    shared = leave(tmp_path, "a", [1.0, 2.0, 3.0], groups=("x,1", "y", "x,1"))
    alone = leave(tmp_path, "b", [1.0, 2.0, 3.0], groups=("x", "y", "z"))
    first, second = (Results(tmp_path).folder(record.cell) for record in (shared, alone))
    assert RunFiles(first).scores.read_text().splitlines()[:2] == ["id,group,mae,ssim", 's-000,"x,1",1.0,0.5']
    assert RunFiles(second).scores.read_text().splitlines()[0] == "id,mae,ssim"
    assert read_scores(first, ["mae"]).groups == ("x,1", "y", "x,1")
    assert list(read_scores(first).values) == ["mae", "ssim"]
    assert read_scores(second).groups == ()


def test_the_command_shows_the_number_of_groups(tmp_path: Path, fwibench: Command) -> None:
    for number in range(2):
        leave(tmp_path / "results", f"m{number}", grouped(np.random.default_rng(5), 9.0 * number), groups=GROUPS)
    done = fwibench("compare", "m0", "m1")
    assert done.returncode == 0, done.stderr
    header, line = done.stdout.splitlines()[1:3]
    assert "groups" in header
    assert " 160       8 " in line
    board = board_of(tmp_path / "results")
    (pair,) = compared_as_json(compare_all(board.lines, ["m0", "m1"], board.columns.ranking)[0])
    assert (pair["n"], pair["groups"]) == (160, 8)


def test_deterministic_methods_of_one_seed_need_no_note(tmp_path: Path, registry: Registry) -> None:
    known = [name for name, offer in registry.methods.items() if offer.spec.deterministic][:2]
    errors = np.random.default_rng(0).lognormal(3, 0.3, 30)
    for number, method in enumerate(known):
        leave(tmp_path, method, errors + 9 * number)
    board = read_board(tmp_path, columns=columns_of(registry))
    assert board.notes == []
    leave(tmp_path, "learned", errors + 1)
    board = read_board(tmp_path, columns=columns_of(registry))
    assert board.notes == [ONE_SEED]
    compared, notes = compare_all(board.lines, [*known, "learned"], board.columns.ranking)
    assert len(compared[0].comparisons) == 3
    assert notes == [ONE_SEED], "one note, not one for each pair"
    for seed in (1, 2):
        leave(tmp_path, "learned", errors + 1, seed=seed)
    assert read_board(tmp_path, columns=columns_of(registry)).notes == []


def test_a_tie_of_one_seed_says_so(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    for method in "ab":
        leave(tmp_path, method, generator.lognormal(3, 0.3, 30))
    (table,) = make_tables(board_of(tmp_path).rows)
    assert table.title.endswith(
        "; 1= is statistically indistinguishable from the best, over the test samples of one seed"
    )
