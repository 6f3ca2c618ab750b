"""Rescoring finished runs."""

import json
from pathlib import Path

import numpy as np
import pytest

from fwibench.datasets.base import Dataset
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.record import read_record, write_record
from fwibench.runs.artefacts.results import Results
from fwibench.runs.artefacts.scores import read_scores
from tests.conftest import Command

METRIC = """
from fwibench import MetricSpec, hookimpl

def worst(prediction, truth, problem):
    return abs(prediction - truth).reshape(len(truth), -1).max(1)

@hookimpl
def fwibench_metrics():
    return [MetricSpec(name="worst", summary="s", target="late:worst", better="low", unit="property", default=False)]
"""


def test_rescore_adds_metric_to_finished_run(
    fwibench: Command, tmp_path: Path, salt: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = fwibench("run", "--methods", "mean-map", "--dataset", "salt", "--profile", "smoke", "--test-samples", 2)
    assert run.returncode == 0, run.stderr
    folder = Results(tmp_path / "results").run("mean-map")
    before = read_record(RunFiles(folder).record)
    table = read_scores(folder)
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "late.py").write_text(METRIC)
    done = fwibench("--plugins-dir", "plugins", "rescore", "--metrics", "worst", "--json")
    assert done.returncode == 0, done.stderr
    (row,) = json.loads(done.stdout)
    after, scores = read_record(RunFiles(folder).record), read_scores(folder)
    with np.load(folder / "predictions.npz") as stored:
        test = salt.split("random", "test").spread(2)
        expected = np.abs(stored["prediction"] - test.properties[:]).max(axis=(1, 2, 3))
    assert scores.values["worst"] == pytest.approx(expected)
    assert row["before"] is None
    assert row["now"] == after.scores["worst"] == pytest.approx(expected.mean())
    assert {name: value for name, value in after.scores.items() if name != "worst"} == before.scores
    assert all((scores.values[name] == values).all() for name, values in table.values.items())

    whole, late = (folder / "scores.csv").read_text(), tmp_path / "plugins" / "late.py"
    late.write_text(METRIC.replace("return", "raise ValueError('fit failed this time')\n    return", 1))
    failed = fwibench("--plugins-dir", "plugins", "rescore", "--metrics", "worst,mae")
    assert failed.returncode == 1
    assert "metric worst has no score: ValueError: fit failed this time" in failed.stderr
    assert (folder / "scores.csv").read_text() == whole, "earlier scores are kept"
    assert read_record(RunFiles(folder).record) == after
    late.write_text(METRIC)

    (folder / "scores.csv").write_text(whole[: whole.rindex("\n", 0, -1) + 1])
    assert fwibench("--plugins-dir", "plugins", "rescore", "--metrics", "mae").returncode == 0
    assert (folder / "scores.csv").read_text() == whole, "a truncated table is written again"

    (folder / "scores.csv").write_text("id,mae\nx")
    mended = fwibench("--plugins-dir", "plugins", "rescore", "mean-map", "--metrics", "mae")
    assert mended.returncode == 0, mended.stderr
    assert set(read_scores(folder).values) == {*table.values, "worst"}

    np.savez(folder / "predictions.npz", ids=np.array(["other"]), prediction=np.zeros((1, 1, 2, 2), np.float32))
    refused = fwibench("rescore")
    assert refused.returncode == 1
    assert "keeps its scores" in refused.stderr
    assert "run the cell again with --force" in refused.stderr
    assert read_record(RunFiles(folder).record).scores == after.scores
    write_record(after.model_copy(update={"status": "failed"}), RunFiles(folder).record)
    assert "there are no finished runs" in fwibench("rescore").stderr
