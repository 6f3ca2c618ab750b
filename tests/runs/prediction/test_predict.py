"""Predictions of a finished run for new measurements."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fwibench.datasets.base import Dataset
from fwibench.errors import DataError, FwibenchError, UsageError
from fwibench.plugins.registry import Registry
from fwibench.runs.artefacts.layout import RunFiles
from fwibench.runs.artefacts.predictions import read_predictions
from fwibench.runs.artefacts.record import read_record, write_record
from fwibench.runs.artefacts.results import Results
from fwibench.runs.planning.grammar import read_request
from fwibench.runs.prediction.predict import doubt_maps, make_task, predict
from fwibench.testing.problems import SEISMIC
from tests.runs.finished import finish
from tests.tolerances import assert_within_range

METHODS = {
    "closed-form": "pixel-ridge",
    "learned": "inversionnet[epochs=1]",
    "iterative": "multiscale-fwi[iterations=2]",
    "hybrid": "refine[base=mean-map,iterations=2]",
}


@pytest.fixture(scope="module")
def results(registry: Registry, salt: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Results folder with a finished run of each kind of method."""
    root = tmp_path_factory.mktemp("results")
    finish(
        read_request(registry, ",".join(METHODS.values()), "salt", profile="smoke", test_samples=2, results=root),
        registry,
    )
    return Results(root)


def folder_of(results: Results, kind: str) -> Path:
    method = METHODS[kind].partition("[")[0]
    (found,) = (one for one in results.records()[0] if one.cell.method == method)
    return results.folder(found.cell)


@pytest.fixture(scope="module")
def shots(salt: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """File with the test measurements of the runs."""
    path = tmp_path_factory.mktemp("shots") / "shots.npy"
    np.save(path, salt.split("random", "test").spread(2).measurements[:])
    return path


@pytest.mark.parametrize("kind", list(METHODS))
def test_test_measurements_reproduce_stored_predictions(
    kind: str, results: Results, shots: Path, registry: Registry
) -> None:
    folder, told = folder_of(results, kind), []
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*")}
    task = make_task(folder, shots, registry)
    maps = predict(task, registry, "cpu", told.append)
    assert np.array_equal(maps, read_predictions(folder).maps)
    assert maps.dtype == np.float32
    assert task.warnings == ()
    assert told[-1] == {"step": 2, "steps": 2}
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*")} == before, "the run is unchanged"


def test_prediction_works_without_samples_of_dataset(
    results: Results, shots: Path, registry: Registry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FWIBENCH_DATA", str(tmp_path / "nothing"))
    folder = folder_of(results, "closed-form")
    maps = predict(make_task(folder, shots, registry), registry, "cpu")
    assert np.array_equal(maps, read_predictions(folder).maps)
    assert not (tmp_path / "nothing").exists()


def test_missing_original_files_give_warning(
    results: Results, shots: Path, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(self: Dataset) -> str:
        raise FileNotFoundError("model.npy")

    monkeypatch.setattr(Dataset, "fingerprint", property(absent))
    task = make_task(folder_of(results, "closed-form"), shots, registry)
    (line,) = task.warnings
    assert line.startswith("the files of salt are not on this machine")


def test_single_sample_needs_no_sample_axis(results: Results, shots: Path, registry: Registry, tmp_path: Path) -> None:
    path, folder = tmp_path / "one.npy", folder_of(results, "closed-form")
    np.save(path, np.load(shots)[1])
    task = make_task(folder, path, registry)
    maps = predict(task, registry, "cpu")
    # another batch size changes the order of floating-point sums
    assert_within_range(maps[0], read_predictions(folder).maps[1], task.problem.property, 1e-4)


def altered(results: Results, kind: str, tmp_path: Path, cell: dict[str, Any] | None = None, **fields: Any) -> Path:
    """Copy a run with a changed record to a results folder of its own."""
    source = folder_of(results, kind)
    folder = tmp_path / "other" / "runs" / source.name
    shutil.copytree(source, folder)
    record = read_record(RunFiles(folder).record)
    changed = record.cell.model_copy(update=cell or {})
    write_record(record.model_copy(update={"cell": changed, **fields}), RunFiles(folder).record)
    return folder


REFUSED: dict[str, tuple[str, dict[str, Any], type[FwibenchError], str]] = {
    "the truth is needed": ("iterative", {"track": "oracle-start"}, UsageError, "starts from the truth"),
    "it failed": ("learned", {"status": "failed", "reason": "fit failed"}, UsageError, "has no model: fit failed"),
    "its base is elsewhere": ("hybrid", {}, DataError, "builds on salt-random-smoke-mean-map-s0-.* is missing"),
    "another dataset": ("learned", {"cell": {"fingerprint": "0" * 64}}, FwibenchError, "salt has changed since"),
}


@pytest.mark.parametrize(("kind", "changes", "error", "message"), REFUSED.values(), ids=REFUSED)
def test_run_that_cannot_predict_raises(
    kind: str,
    changes: dict[str, Any],
    error: type[FwibenchError],
    message: str,
    results: Results,
    shots: Path,
    registry: Registry,
    tmp_path: Path,
) -> None:
    with pytest.raises(error, match=message):
        make_task(altered(results, kind, tmp_path, **changes), shots, registry)


def test_other_model_version_gives_warning_and_missing_model_raises(
    results: Results, shots: Path, registry: Registry, tmp_path: Path
) -> None:
    folder = altered(results, "closed-form", tmp_path, cell={"method_version": "0.1"})
    task = make_task(folder, shots, registry)
    (line,) = task.warnings
    assert line.startswith("the model was fitted by version 0.1 of pixel-ridge, installed is ")
    shutil.rmtree(folder / "model")
    with pytest.raises(DataError, match=r"arrays.npz cannot be read as the state of the method: No such file"):
        predict(task, registry, "cpu")


def test_maps_outside_of_bounds_give_warning() -> None:
    maps = np.full((2, *SEISMIC.property_shape), 2000.0, np.float32)
    maps[0, :, :5] = 9e9
    assert doubt_maps(maps, SEISMIC) == []
    maps[1, :, :6] = 0
    (line,) = doubt_maps(maps, SEISMIC)
    assert line.startswith("28% of all nodes lie outside of the problem's 1500 to 4500 m/s")
