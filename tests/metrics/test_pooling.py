"""Scores of samples and seeds become one score as the spec of their metric declares."""

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from fwibench.boards.pairwise import compare_all
from fwibench.boards.statistics import interval
from fwibench.metrics.pointwise import mse, rmse
from fwibench.metrics.pooling import pool
from fwibench.plugins.registry import Registry
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.record import write_record
from fwibench.runs.artefacts.results import Results
from fwibench.runs.scoring.score import pool_scores
from fwibench.specs.metric import MetricSpec
from fwibench.testing.problems import PROBLEMS, tiny_maps
from tests.boards.records import leave, read_board

ERRORS = np.array([[1.0, 5, 2, 9, 3, 8, 2], [2.0, 4, 4, 7, 3, 9, 1]])


def test_the_rmse_of_samples_is_pooled_to_that_of_all_nodes(registry: Registry) -> None:
    maps = tiny_maps("seismic")
    prediction, truth = maps[::-1].copy(), maps
    spec = registry.metric("rmse").spec
    assert spec.pooling == "root-mean-square"
    pooled = pool(rmse(prediction, truth, PROBLEMS["seismic"]), spec.pooling)
    assert pooled == pytest.approx(np.sqrt(np.mean((prediction.astype(float) - truth) ** 2)))
    assert pooled == pytest.approx(np.sqrt(mse(prediction, truth, PROBLEMS["seismic"]).mean()))
    assert pool(np.array([3.0, 4.0]), "mean") == 3.5


def leave_rmse(root: Path, method: str, errors: np.ndarray) -> None:
    """Leave a run of each seed, with the mean of the samples' RMSE in the record, as in early versions."""
    for seed, row in enumerate(errors):
        further = {"rmse": row, "mse": row**2}
        leave(root, method, row, seed=seed, further=further)


def test_the_column_is_the_root_of_the_mean_squared_error_over_samples_and_seeds(tmp_path: Path) -> None:
    leave_rmse(tmp_path, "a", ERRORS)
    for common in (False, True):
        (row,) = read_board(tmp_path, common=common).rows
        assert row["rmse"] == pytest.approx(np.sqrt((ERRORS**2).mean()))
        assert row["rmse"] == pytest.approx(row["mse"] ** 0.5)


def test_a_row_whose_scores_of_samples_cannot_be_read_has_no_pooled_score(tmp_path: Path, registry: Registry) -> None:
    leave_rmse(tmp_path, "a", ERRORS[:1])
    results = Results(tmp_path)
    (record,) = results.records()[0]
    folder = results.folder(record.cell)
    write_record(
        record.model_copy(update={"scores": pool_scores(results.scores(record), registry)}), RunFiles(folder).record
    )
    assert read_board(tmp_path).rows[0]["rmse"] == pytest.approx(np.sqrt((ERRORS[0] ** 2).mean()))
    RunFiles(folder).scores.unlink()
    (row,) = read_board(tmp_path).rows
    assert (row["rmse"], row["mae"]) == (None, ERRORS[0].mean()), "the record may be of an early version"


def test_differences_and_intervals_are_pooled_in_the_same_way(tmp_path: Path) -> None:
    leave_rmse(tmp_path, "a", ERRORS)
    leave_rmse(tmp_path, "b", ERRORS[:1] + 1)
    board = read_board(tmp_path, metrics=["rmse"])
    ((compared,), _) = compare_all(board.lines, ["a", "b"], board.columns.find("rmse"))
    (made,) = compared.comparisons
    a, b = np.sqrt((ERRORS**2).mean()), np.sqrt(((ERRORS[0] + 1) ** 2).mean())
    assert (made.mean, made.other_mean, made.difference) == pytest.approx((a, b, a - b))
    assert made.ci_low is not None
    assert made.ci_high is not None
    assert made.ci_low < made.difference < made.ci_high
    squares = interval(ERRORS**2) or (0, 0)
    # ends are interpolated between neighbouring resamples, less than a thousandth of the score apart
    assert interval(ERRORS, pooling="root-mean-square") == pytest.approx(tuple(np.sqrt(squares)), rel=1e-3)


@pytest.mark.parametrize("name", ["id", "group"])
def test_a_metric_cannot_have_the_name_of_another_column_of_scores(name: str) -> None:
    with pytest.raises(ValidationError, match="columns of scores.csv"):
        MetricSpec(name=name, summary="s", target="m:f", better="low")
