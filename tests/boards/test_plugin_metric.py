"""A metric of a plugin is shown everywhere as a built-in one is, without a word about it in fwibench."""

import json
from pathlib import Path

import numpy as np
import pytest

from fwibench.boards.columns import columns_of
from fwibench.boards.frame import to_frame
from fwibench.datasets.base import Dataset
from fwibench.plugins.plugin import OWN, Plugin
from fwibench.plugins.registry import Offer, Registry
from fwibench.specs.metric import MetricSpec
from tests.boards.records import builtin_columns, leave, read_board
from tests.conftest import Command
from tests.report.page.conftest import leave_predicted

PACKAGE = """
from fwibench import MetricSpec, hookimpl

def edges(prediction, truth, problem):
    return abs(prediction - truth).max(axis=(1, 2, 3))

@hookimpl
def fwibench_metrics():
    return [MetricSpec(
        name="edge-share", title="Edges", summary="share of edges found", target="sharp:edges", better="high", unit="%"
    )]
"""


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Runs of three methods with a score of the plugin's metric, in another order than by MAE."""
    package = tmp_path / "plugins" / "sharp"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(PACKAGE)
    monkeypatch.setenv("FWIBENCH_PLUGINS_DIR", str(package.parent))
    errors = np.random.default_rng(0).lognormal(3, 0.3, 20)
    for number, method in enumerate("abc"):
        share = {"edge-share": errors + [0, 40, 20][number]}
        leave(tmp_path / "results", method, errors + 9 * number, further=share)
    return tmp_path / "results"


def test_printed_table_sorting_and_exports_show_it(fwibench: Command, results: Path) -> None:
    paths = [f"t{suffix}" for suffix in (".csv", ".md", ".tex", ".html", ".json", ".parquet")]
    exports = [part for path in paths for part in ("--export", path)]
    done = fwibench("leaderboard", "--sort", "edge-share", *exports)
    assert done.returncode == 0, done.stderr
    _, header, *lines = done.stdout.splitlines()
    assert "Edges [%]" in header
    assert [line.split()[1] for line in lines] == ["b", "c", "a"], "high is better"
    texts = {path: (results.parent / path).read_bytes() for path in paths}
    assert texts["t.csv"].splitlines()[0].endswith(b",budget_s,costs_source,edge_share"), "after the stable columns"
    assert {row["method"]: row["rank"] for row in json.loads(texts["t.json"])} == {"a": 1, "b": 2, "c": 3}
    assert all(row["edge_share"] > 0 for row in json.loads(texts["t.json"]))
    assert rb"Edges \[%\]" in texts["t.md"]
    assert rb"Edges {[}\%]" in texts["t.tex"]
    assert b'<th title="share of edges found [%]">edge_share</th>' in texts["t.html"]
    assert b"edge_share" in texts["t.parquet"]


def test_comparisons_show_it(fwibench: Command, results: Path) -> None:
    done = fwibench("compare", "a", "b", "--metric", "edge-share")
    assert done.returncode == 0, done.stderr
    assert "edge-share, high is better" in done.stdout
    assert "difference [%]" in done.stdout
    assert done.stdout.rstrip().endswith("b")
    (pair,) = json.loads(fwibench("compare", "a", "b", "--metric", "edge_share", "--json").stdout)
    assert (pair["metric"], pair["unit"], pair["better"]) == ("edge-share", "%", "b")


@pytest.mark.slow
def test_the_report_and_its_viewer_show_it(fwibench: Command, results: Path, salt: Dataset) -> None:
    for method, share in (("near", 70.0), ("far", 60.0)):
        leave_predicted(results, salt, method, 100.0, further={"edge-share": share})
    done = fwibench("report")
    assert done.returncode == 0, done.stderr
    page = (results.parent / "report.html").read_text()
    assert 'data-column="edge_share" data-best="high" title="share of edges found [%]"' in page
    assert '["Edges","70.00 %"]' in page
    assert "<b>Edges</b>: share of edges found [%]; high is better." in page


def test_scores_of_a_metric_that_no_plugin_offers_are_noted(results: Path) -> None:
    board = read_board(results)
    assert "edge_share" not in board.columns.by_key
    assert board.notes[0] == "scores of edge-share are not shown: no plugin offers this metric"


OURS, THEIRS = Plugin(name="ours", distribution=OWN), Plugin(name="theirs", distribution="theirs")


def test_a_plugin_cannot_move_stable_columns_or_change_what_ranks() -> None:
    loss = MetricSpec(name="loss", summary="s", target="m:f", better="low", ranks=True, stable=True)
    flops = MetricSpec(name="flops", summary="s", target="m:f", better="high", ranks=True, stable=True)
    columns = columns_of(Registry(metrics={"loss": Offer(loss, OURS), "flops": Offer(flops, THEIRS)}))
    assert columns.ranking.metric == "loss"
    assert list(columns.by_key)[-2:] == ["costs_source", "flops_score"]
    assert columns.by_key["flops"].metric == "", "the column that had the name keeps it"


def test_a_metric_of_which_high_is_better_can_rank(tmp_path: Path) -> None:
    """The board of a suite whose ranking metric is another one: no code names it."""
    spec = MetricSpec(name="ssim", title="SSIM", summary="s", target="m:f", better="high", ranks=True, stable=True)
    columns = columns_of(Registry(metrics={"ssim": Offer(spec, OURS)}))
    errors = np.random.default_rng(0).lognormal(3, 0.3, 20)
    for number, method in enumerate("abc"):
        leave(tmp_path, method, errors + 20 * number)
    board = read_board(tmp_path, columns=columns)
    assert [(row["method"], row["rank"]) for row in board.rows] == [("a", 1), ("b", 2), ("c", 3)]
    assert all(row["ssim_ci_low"] < row["ssim"] < row["ssim_ci_high"] for row in board.rows)


def test_frames_have_the_columns_and_their_types(results: Path) -> None:
    leave(results, "broken", None, n_test=20)
    frame = to_frame(read_board(results).rows)
    columns = builtin_columns()
    assert "mae_illuminated" in columns.further
    # a further metric has a column where a run has a score
    assert list(frame) == [key for key in columns.by_key if key not in columns.further]
    assert {str(frame[key].dtype) for key in ("rank", "seeds", "flops")} == {"Int64"}
    assert {str(frame[key].dtype) for key in ("mae", "fit_s", "data_misfit")} == {"float64"}
    assert {str(frame[key].dtype) for key in ("method", "flops_kind")} == {"string"}
    assert frame.loc[frame["method"] == "broken", ["rank", "mae"]].isna().all(axis=None)
    assert len(to_frame([])) == 0
