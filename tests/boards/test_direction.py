"""A metric whose best score is between low and high ones."""

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from fwibench import MetricSpec
from fwibench.boards.board import sort_rows
from fwibench.boards.pairwise import compare_all
from fwibench.boards.tables import make_tables
from fwibench.report.page.tables import make_groups
from tests.boards.records import builtin_columns, leave, read_board

COVERAGES = {"low": 0.5, "close": 0.86, "high": 0.99}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Runs of three methods with samples of their predictions, and of one without."""
    rng = np.random.default_rng(0)
    errors = rng.lognormal(3, 0.3, 20)
    for method, coverage in COVERAGES.items():
        leave(tmp_path, method, errors, further={"coverage-90": coverage + rng.uniform(-0.005, 0.005, 20)})
    leave(tmp_path, "without", errors)
    return tmp_path


def test_scores_near_the_best_one_come_first_and_are_marked(results: Path) -> None:
    board = read_board(results)
    column = board.columns.find("coverage-90")
    assert column.direction == "near 0.9 is better"
    names = [row["method"] for row in sort_rows(board.rows, "coverage-90", board.columns)]
    assert names == ["close", "high", "low", "without"]
    names = [row["method"] for row in sort_rows(board.rows, "-coverage-90", board.columns)]
    assert names == ["low", "high", "close", "without"]
    (group,) = make_groups(board.rows)
    place = [head.column.key for head in group.heads].index("coverage_90")
    assert [shown.row["method"] for shown in group.rows if shown.entries[place].best] == ["close"]


def test_comparison_favours_the_coverage_that_is_nearer(results: Path) -> None:
    board = read_board(results, metrics=["coverage-90"])
    column = board.columns.find("coverage-90")
    (made,), _ = compare_all(board.lines, list(COVERAGES), column)
    verdicts = {(one.method, one.other): one.verdict(column.order) for one in made.comparisons}
    assert verdicts == {("low", "close"): "close", ("low", "high"): "high", ("close", "high"): "close"}


def test_columns_of_samples_are_shown_only_if_a_method_has_them(results: Path, tmp_path: Path) -> None:
    (with_samples,) = make_tables(read_board(results).rows)
    assert "coverage 90 %" in with_samples.header
    leave(tmp_path / "other", "without", [1.0, 2.0])
    (table,) = make_tables(read_board(tmp_path / "other").rows)
    assert "coverage 90 %" not in table.header
    assert "coverage_90" in builtin_columns().by_key


@pytest.mark.parametrize("fields", [{"better": "near"}, {"better": "low", "best": 0.9}])
def test_near_needs_a_best_score_and_only_near_has_one(fields: dict[str, object]) -> None:
    with pytest.raises(ValidationError, match="belong together"):
        MetricSpec.model_validate({"name": "x", "summary": "x", "target": "a:b", **fields})
