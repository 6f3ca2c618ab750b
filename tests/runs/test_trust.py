"""What a method, or an unrelated plugin, can do to a result."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fwibench.datasets.base import Dataset
from fwibench.errors import MethodError
from fwibench.runs.artefacts.predictions import read_predictions
from fwibench.runs.opening.truth import data_state, find_changed_files, seal
from tests.conftest import Command
from tests.runs.test_faults import COMMON, faulty, rows

__all__ = ["faulty"]


@pytest.fixture
def own_data(tmp_path: Path, salt: Dataset) -> dict[str, str]:
    """A copy of the data that a test may damage."""
    shutil.copytree(salt.folder, tmp_path / "data" / salt.folder.name)
    return {"FWIBENCH_DATA": str(tmp_path / "data")}


def record_of(tmp_path: Path, method: str) -> dict[str, Any]:
    (path,) = (tmp_path / "results" / "runs").glob(f"*-{method}-*/record.json")
    return json.loads(path.read_text())


def test_ways_to_the_truth_are_closed_or_told(fwibench: Command, tmp_path: Path, own_data: dict[str, str]) -> None:
    methods = "x-peeks,x-reads,x-rewrites,x-stumbles,x-overwrites"
    done = fwibench("run", "--methods", methods, *COMMON, "--json", **own_data)
    found = rows(done.stdout)
    assert {name: row["status"] for name, row in found.items()} == {
        "x-peeks": "failed",
        "x-reads": "ok",
        "x-rewrites": "failed",
        "x-stumbles": "ok",
        "x-overwrites": "failed",
    }, done.stderr
    assert "true maps of the test split are not shown" in record_of(tmp_path, "x-peeks")["reason"]
    (note,) = record_of(tmp_path, "x-reads")["notes"]
    assert note.startswith("3 of 3 predictions equal the truth in every node")
    assert note in done.stderr
    assert "changed its predictions or scores" in record_of(tmp_path, "x-rewrites")["reason"]
    stumbles = record_of(tmp_path, "x-stumbles")
    assert stumbles["notes"] == ["diagnostics could not be computed: ValueError: no idea"]
    assert stumbles["scores"]["mae"] > 0
    assert "files of salt were changed meanwhile: model0.npy" in record_of(tmp_path, "x-overwrites")["reason"]


def test_the_sealed_split_has_shapes_and_measurements_only(salt: Dataset) -> None:
    test = salt.split("random", "test")
    sealed = seal(test)
    assert sealed.properties.shape == test.properties.shape
    assert len(sealed.spread(2).properties) == 2
    assert np.array_equal(sealed.measurements[:], test.measurements[:])
    for key in (0, slice(None), np.array([0])):
        with pytest.raises(MethodError, match="not shown to methods"):
            sealed.properties[key]


def test_a_touched_or_grown_shard_is_no_change_and_a_changed_one_is(
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


VANDAL = """
import numpy, os, random, torch
from fwibench import MethodSpec, hookimpl

honest = numpy.mean
numpy.mean = lambda *args, **options: honest(*args, **options) / 2
torch.set_default_dtype(torch.float64)
numpy.seterr(all="ignore")
numpy.random.seed(1)
random.seed(1)

@hookimpl
def fwibench_methods():
    return [MethodSpec(name="x-vandal", summary="s", target="faulty:Behaves", kind="baseline")]
"""


def test_an_unrelated_plugin_changes_no_result(fwibench: Command, tmp_path: Path, salt: Dataset) -> None:
    (tmp_path / "plugins" / "vandal.py").write_text(VANDAL)
    done = fwibench("run", "--methods", "mean-map,x-behaves,x-vandal", *COMMON)
    assert done.returncode == 0, done.stderr
    test = salt.split("random", "test")
    predicted = read_predictions(next(tmp_path.glob("results/runs/*-mean-map-*")), test.ids).maps
    error = np.abs(predicted - test.properties[:].astype(np.float64)).mean()
    assert record_of(tmp_path, "mean-map")["scores"]["mae"] == pytest.approx(error, rel=1e-12)
    plain, owned = record_of(tmp_path, "mean-map"), record_of(tmp_path, "x-behaves")
    assert "vandal" not in plain["environment"]["plugins"]
    assert "faulty" not in plain["environment"]["plugins"]
    assert plain["environment"]["plugins"]["baselines"].startswith("fwibench ")
    assert "faulty" in owned["environment"]["plugins"]
    assert "vandal" not in owned["environment"]["plugins"]
    assert not plain["notes"]
    assert not owned["notes"]
    assert fwibench("rescore", "mean-map").returncode == 0
    assert record_of(tmp_path, "mean-map")["scores"] == plain["scores"]
    notes = " ".join(record_of(tmp_path, "x-vandal")["notes"])
    assert "changed torch's default dtype: torch.float64 instead of torch.float32; it was set back" in notes
    assert "numpy's handling of floating-point errors" in notes
    assert "generator" not in notes, "libraries draw from them while they are imported"
    assert record_of(tmp_path, "x-vandal")["scores"]["mae"] == owned["scores"]["mae"], "scored without its plugin"
