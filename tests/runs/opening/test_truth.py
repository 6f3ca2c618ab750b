"""Protection of the true test maps."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fwibench.datasets.base import Dataset
from fwibench.errors import MethodError
from fwibench.runs.opening.truth import data_state, find_changed_files, seal
from tests.conftest import Command
from tests.runs.commands import COMMON, rows

pytestmark = pytest.mark.usefixtures("faulty_plugin")


@pytest.fixture
def own_data(tmp_path: Path, salt: Dataset) -> dict[str, str]:
    """Copy of the data that the test may damage."""
    shutil.copytree(salt.folder, tmp_path / "data" / salt.folder.name)
    return {"FWIBENCH_DATA": str(tmp_path / "data")}


def record_of(tmp_path: Path, method: str) -> dict[str, Any]:
    (path,) = (tmp_path / "results" / "runs").glob(f"*-{method}-*/record.json")
    return json.loads(path.read_text())


@pytest.mark.slow
def test_access_to_truth_is_prevented_or_reported(fwibench: Command, tmp_path: Path, own_data: dict[str, str]) -> None:
    methods = "x-searchesmemory,x-readstruth,x-rewritespredictions,x-failstodiagnose,x-overwritestruth"
    done = fwibench("run", "--methods", methods, *COMMON, "--json", **own_data)
    found = rows(done.stdout)
    assert {name: row["status"] for name, row in found.items()} == {
        "x-searchesmemory": "failed",
        "x-readstruth": "ok",
        "x-rewritespredictions": "failed",
        "x-failstodiagnose": "ok",
        "x-overwritestruth": "failed",
    }, done.stderr
    assert "true maps of the test split are not shown" in record_of(tmp_path, "x-searchesmemory")["reason"]
    (note,) = record_of(tmp_path, "x-readstruth")["notes"]
    assert note.startswith("3 of 3 predictions equal the truth in every node")
    assert note in done.stderr
    assert "changed its predictions or scores" in record_of(tmp_path, "x-rewritespredictions")["reason"]
    failing = record_of(tmp_path, "x-failstodiagnose")
    assert failing["notes"] == ["diagnostics could not be computed: ValueError: no diagnostics"]
    assert failing["scores"]["mae"] > 0
    assert "files of salt were changed meanwhile: model0.npy" in record_of(tmp_path, "x-overwritestruth")["reason"]


def test_sealed_split_has_only_shapes_and_measurements(salt: Dataset) -> None:
    test = salt.split("random", "test")
    sealed = seal(test)
    assert sealed.properties.shape == test.properties.shape
    assert len(sealed.spread(2).properties) == 2
    assert np.array_equal(sealed.measurements[:], test.measurements[:])
    for key in (0, slice(None), np.array([0])):
        with pytest.raises(MethodError, match="not shown to methods"):
            sealed.properties[key]


def test_only_changed_content_of_shard_is_detected(
    tmp_path: Path, own_data: dict[str, str], monkeypatch: pytest.MonkeyPatch, registry: Any
) -> None:
    from fwibench.runs.opening.datasets import open_dataset

    monkeypatch.setenv("FWIBENCH_DATA", own_data["FWIBENCH_DATA"])
    dataset = open_dataset(registry, "salt", "smoke")
    before = data_state(dataset)
    assert not find_changed_files(before, dataset)
    shard = dataset.arrays().properties[0]
    shard.touch()
    assert not find_changed_files(before, dataset)
    rows = dataset.size
    dataset.store.grow(rows + 1, dataset.samples, lambda done, total: None)
    assert not find_changed_files(before, dataset), "another command may need more samples"
    maps = np.load(shard, mmap_mode="r+")
    maps[0] += 1
    maps.flush()
    assert find_changed_files(before, dataset) == [shard]
