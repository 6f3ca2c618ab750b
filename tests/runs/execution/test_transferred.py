"""Cells that apply the fitted model of another cell to the test samples of another dataset."""

import json
import shutil
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fwibench.boards.board import make_board
from fwibench.boards.columns import columns_of
from fwibench.errors import DataError
from fwibench.plugins.registry import Registry
from fwibench.report.figures.kinds import list_drawings
from fwibench.report.page.viewer import list_panel_sets
from fwibench.report.sources import Sources
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.model_files import model_sha256
from fwibench.runs.artefacts.predictions import read_predictions
from fwibench.runs.artefacts.record import Record, read_record, write_record
from fwibench.runs.artefacts.results import Results
from fwibench.runs.execution.attempt import execute
from fwibench.runs.execution.company import Company
from fwibench.runs.opening.datasets import reopen_dataset, scored_split
from fwibench.runs.planning.grammar import read_request
from fwibench.runs.planning.plan import make_plan
from fwibench.runs.prediction.predict import make_task, predict
from fwibench.runs.processes.messages import Job
from fwibench.runs.reproduction.command import command_of, request_of
from fwibench.runs.reproduction.repeat import plan_again, read_needed, read_run, same_fit
from fwibench.runs.scoring.rescore import rescore
from tests.conftest import Command
from tests.datasets.openfwi.shards import family
from tests.runs.commands import COMMON
from tests.runs.finished import finish

FAMILIES = {
    "flatvel-a": (2000.0, 2100.0),
    "curvevel-a": (2400.0, 2800.0),
    "flatvel-b": (1600.0, 3300.0),
    "style-a": (4000.0, 1800.0),
}
"""Velocity of all train maps and of all test maps [m/s], all of them numbers that float32 holds."""


def records_of(root: Path) -> dict[tuple[str, str], Record]:
    """Return the records of a results folder by the datasets that they are fitted and scored on."""
    found, faults = Results(root).records()
    assert not faults
    return {(one.cell.dataset, one.cell.scored_on.dataset): one for one in found}


@pytest.mark.parametrize("count", [2, pytest.param(len(FAMILIES), marks=pytest.mark.slow)])
def test_transfer_matrix_of_families(count: int, fwibench: Command, tmp_path: Path) -> None:
    families = list(FAMILIES)[:count]
    names = ",".join(f"{name}[path={family(tmp_path / name, name, *FAMILIES[name])}]" for name in families)
    command = ("run", "--methods", "mean-map", "--dataset", names, "--test-on", names, "--profile", "smoke", "--json")
    done = fwibench(*command)
    assert done.returncode == 0, done.stderr
    shown = {(row["dataset"], row["test_dataset"] or row["dataset"]): row for row in json.loads(done.stdout)["rows"]}
    records = records_of(tmp_path / "results")
    assert set(shown) == set(records) == set(product(families, families))
    for (fitted, scored), record in records.items():
        # the mean of the train maps of one family against the test maps of the other
        assert shown[fitted, scored]["mae"] == abs(FAMILIES[fitted][0] - FAMILIES[scored][1])
        own = records[fitted, fitted]
        model = RunFiles(tmp_path / "results" / "runs" / own.run_id).model
        assert record.model_sha256 == own.model_sha256 == model_sha256(model)
        assert (record.n_train, record.complexity) == (own.n_train, own.complexity)
        if fitted != scored:
            assert record.cell.model == own.run_id
            assert record.costs.fit_s is None
            assert record.costs.predict_ms_cpu1 is None
            assert not RunFiles(tmp_path / "results" / "runs" / record.run_id).model.exists()
    assert len({record.model_sha256 for record in records.values()}) == count


@pytest.mark.usefixtures("faulty_plugin")
@pytest.mark.slow
def test_only_missing_transfers_run_and_those_of_a_failed_run_are_skipped(fwibench: Command, tmp_path: Path) -> None:
    command = ("run", "--methods", "mean-map,x-raises", *COMMON, "--test-on", "salt[snr=10]")
    first = fwibench(*command)
    assert first.returncode == 1, first.stderr
    results, records = Results(tmp_path / "results"), {}
    for record in results.records()[0]:
        records[record.cell.method, record.cell.tested_on is not None] = record
    failed, skipped = records["x-raises", False], records["x-raises", True]
    assert (failed.status, skipped.status) == ("failed", "skipped")
    assert skipped.reason == f"applies the model of {failed.run_id}, which is failed"
    shutil.rmtree(results.folder(records["mean-map", True].cell))
    before = results.folder(records["mean-map", False].cell).stat().st_ino
    again = fwibench(*command, "--jobs", 2)
    assert "mean-map on salt, seed 0: MAE" in again.stderr
    lines = [line for line in again.stderr.splitlines() if line.endswith("finished before")]
    assert len(lines) == 1
    assert lines[0].startswith("mean-map on salt, seed 0")
    assert results.folder(records["mean-map", False].cell).stat().st_ino == before
    renewed = read_record(RunFiles(results.folder(records["mean-map", True].cell)).record)
    assert renewed.scores == records["mean-map", True].scores


@pytest.fixture(scope="module")
def results(registry: Registry, salt: Any, tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Results folder with a run of pixel-ridge, and its transfer to noisy samples."""
    root = tmp_path_factory.mktemp("results")
    finish(request_to(registry, root), registry)
    return Results(root)


def request_to(registry: Registry, root: Path) -> Any:
    return read_request(
        registry, "pixel-ridge", "salt", test_on="salt[snr=5]", profile="smoke", results=root, test_samples=2
    )


@pytest.fixture
def both(results: Results) -> tuple[Record, Record]:
    """Records of the run and of its transfer."""
    first, second = sorted(results.records()[0], key=lambda one: one.cell.tested_on is not None)
    return first, second


def test_noise_of_the_tested_dataset_reaches_the_model(
    results: Results, both: tuple[Record, Record], registry: Registry
) -> None:
    own, tested = both
    ours, theirs = (read_predictions(results.folder(one.cell)) for one in both)
    assert ours.ids == theirs.ids
    assert not np.array_equal(ours.maps, theirs.maps)
    noisy = scored_split(reopen_dataset(registry, tested.cell), tested.cell)
    task = make_task(results.folder(own.cell), noisy.measurements[:], registry)
    assert np.array_equal(predict(task, registry, "cpu"), theirs.maps), "the model of the first run predicts the same"
    assert tested.scores["mae"] == pytest.approx(float(np.abs(theirs.maps - noisy.properties[:]).mean()), rel=1e-6)


def test_transferred_run_predicts_by_the_model_that_it_applies(
    results: Results, both: tuple[Record, Record], registry: Registry, tmp_path: Path
) -> None:
    shots = scored_split(reopen_dataset(registry, both[0].cell), both[0].cell).measurements[:]
    maps = [predict(make_task(results.folder(one.cell), shots, registry), registry, "cpu") for one in both]
    assert np.array_equal(*maps)
    alone = shutil.copytree(results.folder(both[1].cell), tmp_path / "runs" / both[1].run_id)
    with pytest.raises(DataError, match="applies the model of .* whose record is missing") as error:
        make_task(alone, shots, registry)
    assert "fwibench merge" in error.value.hint


def test_rescoring_uses_the_tested_dataset(
    results: Results, both: tuple[Record, Record], registry: Registry, tmp_path: Path
) -> None:
    folder = shutil.copytree(results.folder(both[1].cell), tmp_path / "runs" / both[1].run_id)
    found, failures = rescore(folder, ["mae", "data-misfit"], registry)
    assert not failures
    assert found.scores["mae"] == both[1].scores["mae"]
    assert found.scores["data-misfit"] is not None


def test_report_shows_samples_of_the_tested_dataset(
    results: Results, both: tuple[Record, Record], registry: Registry
) -> None:
    sources = Sources(results, list(both), registry)
    own, tested = list_panel_sets(sources, 2)
    assert (own["test_dataset"], tested["test_dataset"]) == (None, "salt[snr=5.0]")
    for first, second in zip(own["samples"], tested["samples"], strict=True):
        assert (first["id"], first["truth"]) == (second["id"], second["truth"])
        assert first["measurement"] != second["measurement"]
    drawn = list_drawings(sources, ["panels"])
    assert [one.title.partition(": ")[2].partition(", split")[0] for one in drawn] == [
        "salt",
        "salt, tested on salt[snr=5.0]",
    ]
    assert len({one.name for one in drawn}) == 2
    assert not sources.faults


def test_transfer_is_ranked_apart_from_its_base(both: tuple[Record, Record], registry: Registry) -> None:
    board = make_board(both, columns_of(registry))
    assert [row["test_dataset"] for row in board.rows] == [None, "salt[snr=5.0]"]
    assert [row["dataset"] for row in board.rows] == ["salt", "salt"]
    assert [row["rank"] for row in board.rows] == [1, 1]
    assert board.rows[1].setting.title.startswith("salt (), tested on salt[snr=5.0], split random,")


def test_recorded_command_plans_the_transfer_again(
    results: Results, both: tuple[Record, Record], registry: Registry, tmp_path: Path
) -> None:
    folder = results.folder(both[1].cell)
    record, base = read_run(folder)
    words = command_of(record, base, registry)
    assert words[words.index("--test-on") + 1] == "salt[snr=5.0]"
    plan, obstacles = plan_again(request_of(record, base, registry), record, base, registry)
    assert not obstacles
    assert [one.cell.key for one in plan] == [one.cell.key for one in both]
    (fitted,) = read_needed(folder, record)
    assert fitted == both[0]
    with same_fit(record.model_copy(update={"environment": {"threads": 8}}), fitted) as nothing:
        assert nothing is None


def test_model_that_was_fitted_again_makes_transfer_run_again(
    results: Results, both: tuple[Record, Record], registry: Registry, tmp_path: Path
) -> None:
    shutil.copytree(results.root, tmp_path, dirs_exist_ok=True)
    own, tested = both
    there = Results(tmp_path)
    digest = there.model_sha256(own.run_id)
    for one, known in ((tested, digest), (own, "")):
        write_record(one.model_copy(update={"model_sha256": known}), RunFiles(there.folder(one.cell)).record)
    assert [one.cached is not None for one in make_plan(request_to(registry, tmp_path), registry)] == [True, True]
    (RunFiles(there.folder(own.cell)).model / "more").touch()
    assert [one.cached is not None for one in make_plan(request_to(registry, tmp_path), registry)] == [True, False]
    write_record(own.model_copy(update={"status": "failed"}), RunFiles(there.folder(own.cell)).record)
    assert [one.cached is not None for one in make_plan(request_to(registry, tmp_path), registry)] == [False, False]
    shutil.rmtree(there.folder(own.cell))
    assert there.model_sha256(own.run_id) is None


def test_changed_model_files_fail_the_transfer(
    results: Results, both: tuple[Record, Record], registry: Registry, tmp_path: Path
) -> None:
    shutil.copytree(results.root, tmp_path, dirs_exist_ok=True)
    own, tested = both
    there = Results(tmp_path)
    shutil.rmtree(there.folder(tested.cell))
    known = own.model_copy(update={"model_sha256": there.model_sha256(own.run_id)})
    write_record(known, RunFiles(there.folder(own.cell)).record)
    (RunFiles(there.folder(own.cell)).model / "more").touch()
    job = Job(record=tested, device="cpu", metrics=["mae"], limit=None)
    with Company().seat(print, {}) as seat:
        found = execute(job, there, reopen_dataset(registry, tested.cell), seat, force=False)
    assert (found.status, found.model_sha256) == ("failed", "")
    assert found.reason == f"the files of the model of {own.run_id} have changed since it was fitted"
