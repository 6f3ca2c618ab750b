import json
from pathlib import Path

import numpy as np
import pytest

from fwibench.datasets.base import Dataset
from fwibench.errors import DataError, UsageError
from fwibench.problem import Problem
from fwibench.runs.external.inputs import check_output, export_inputs
from fwibench.runs.external.targets import read_truth, target_of, write_truth


def test_folder_holds_train_val_and_measurements_of_test(salt: Dataset, tmp_path: Path) -> None:
    folder = tmp_path / "inputs"
    export_inputs(salt, target_of(salt, "random"), folder)
    for name in ("train", "val", "test"):
        part = salt.split("random", name)
        assert tuple((folder / name / "ids.txt").read_text().split()) == part.ids
        np.testing.assert_array_equal(np.load(folder / name / "measurements.npy"), part.measurements[:])
        if name != "test":
            np.testing.assert_array_equal(np.load(folder / name / "properties.npy"), part.properties[:])
    facts = json.loads((folder / "dataset.json").read_text())
    assert (facts["dataset"], facts["fingerprint"]) == ("salt", salt.fingerprint)
    assert Problem.model_validate_json((folder / "problem.json").read_text()) == salt.measured_problem
    assert salt.fingerprint in (folder / "README.md").read_text()


def test_no_true_map_of_a_test_sample_is_in_the_folder(salt: Dataset, tmp_path: Path) -> None:
    folder, truth = tmp_path / "inputs", salt.split("random", "test").properties[:]
    export_inputs(salt, target_of(salt, "random"), folder)
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert not (folder / "test" / "properties.npy").exists()
    everything = b"".join(path.read_bytes() for path in files)
    # rows that no map of train or val has, and that are not nearly constant, such as water
    shown = np.concatenate([salt.split("random", name).properties[:] for name in ("train", "val")]).tobytes()
    rows = [row for one in truth for row in one[0] if len(np.unique(row)) > 4 and row.tobytes() not in shown]
    assert len(rows) > len(truth)
    for form in (np.float32, np.float64, np.float16, ">f4"):
        assert not any(row.astype(form).tobytes() in everything for row in rows)
    for path in folder.rglob("*.npy"):
        values = np.load(path)
        assert path.parent.name != "test" or values.shape[1:] == salt.problem.measurement_shape
        if path.name == "properties.npy":
            distances = np.abs(values[:, None] - truth[None]).mean(axis=(2, 3, 4))
            assert distances.min() > 0


def test_hidden_truth_is_read_as_it_was_written(salt: Dataset, tmp_path: Path) -> None:
    target = target_of(salt, "block")
    write_truth(target, tmp_path / "truth.npz")
    found = read_truth(tmp_path / "truth.npz")
    assert found.about == target.about
    assert (found.test.ids, found.test.groups) == (target.test.ids, target.test.groups)
    np.testing.assert_array_equal(found.test.properties[:], target.test.properties[:])
    assert len(found.truth_sha256) == 64


def test_damaged_truth_is_an_error(salt: Dataset, tmp_path: Path) -> None:
    path = tmp_path / "truth.npz"
    write_truth(target_of(salt, "random"), path)
    content = dict(np.load(path))
    np.savez(path, **{**content, "truth": content["truth"][1:]})
    with pytest.raises(DataError, match=r"truth\.npz cannot be read as the truth of test samples"):
        read_truth(path)


def test_the_truth_is_never_written_into_the_folder_and_nothing_is_overwritten(tmp_path: Path) -> None:
    folder = tmp_path / "inputs"
    with pytest.raises(UsageError, match="which is handed out"):
        check_output(folder, folder / "truth.npz")
    with pytest.raises(UsageError, match="which is handed out"):
        check_output(folder, tmp_path / "other" / ".." / "inputs" / "test" / "truth.npz")
    (tmp_path / "truth.npz").touch()
    with pytest.raises(UsageError, match="exists"):
        check_output(folder, tmp_path / "truth.npz")
    folder.mkdir()
    (folder / "notes.txt").touch()
    with pytest.raises(UsageError, match="is not empty"):
        check_output(folder, None)
