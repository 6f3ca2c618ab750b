"""Rescoring finished runs."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import fwibench as fb
from fwibench.datasets.base import Dataset
from fwibench.plugins.registry import Registry
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.record import read_record, write_record
from fwibench.runs.artefacts.results import Results
from fwibench.runs.artefacts.scores import read_scores, write_scores
from fwibench.runs.scoring.rescore import rescore
from tests.conftest import Command

METRIC = """
from fwibench import MetricSpec, hookimpl

def worst(prediction, truth, problem):
    return abs(prediction - truth).reshape(len(truth), -1).max(1)

@hookimpl
def fwibench_metrics():
    return [MetricSpec(name="worst", summary="s", target="late:worst", better="low", unit="property", default=False)]
"""


@pytest.mark.slow
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


def test_rescore_stores_groups_and_pooled_scores_of_a_run_of_an_early_version(
    tmp_path: Path, salt: Dataset, registry: Registry
) -> None:
    def layers(measurements: np.ndarray) -> np.ndarray:
        return np.full((len(measurements), *salt.problem.property_shape), 2500.0, np.float32)

    folder = fb.evaluate(layers, "salt", profile="smoke", split="block").save(tmp_path)
    table, record = read_scores(folder), read_record(RunFiles(folder).record)
    assert table.groups == salt.split("block", "test").groups
    assert len(set(table.groups)) == 1
    squared = np.square(2500.0 - salt.split("block", "test").properties[:].astype(float)).mean()
    assert record.scores["rmse"] == pytest.approx(squared**0.5)
    assert record.scores["mse"] == pytest.approx(squared)
    write_scores(replace(table, groups=()), folder)
    mean = float(table.values["rmse"].mean())
    assert mean != pytest.approx(record.scores["rmse"])
    write_record(record.model_copy(update={"scores": {**record.scores, "rmse": mean}}), RunFiles(folder).record)
    updated, failures = rescore(folder, ["rmse"], registry)
    assert not failures
    assert updated.scores == record.scores
    assert read_scores(folder).groups == table.groups
