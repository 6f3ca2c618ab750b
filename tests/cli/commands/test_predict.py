"""The command `predict`."""

import json
from pathlib import Path

import numpy as np
import pytest

from fwibench.datasets.base import Dataset
from fwibench.plugins.registry import Registry
from fwibench.runs.artefacts.predictions import read_predictions
from fwibench.runs.artefacts.results import Results
from fwibench.runs.planning.grammar import read_request
from tests.conftest import Command
from tests.runs.finished import finish


@pytest.fixture
def shots(registry: Registry, salt: Dataset, tmp_path: Path) -> Path:
    """Measurements beside a results folder with one run."""
    request = read_request(registry, "mean-map", "salt", profile="smoke", test_samples=2, results=tmp_path / "results")
    finish(request, registry)
    np.save(tmp_path / "shots.npy", salt.split("random", "test").spread(2).measurements[:])
    return tmp_path / "shots.npy"


@pytest.mark.slow
def test_maps_and_figure_are_written(fwibench: Command, shots: Path, tmp_path: Path) -> None:
    done = fwibench("predict", "mean-map", "shots.npy", "-o", "maps.npy", "--png", "maps.png")
    assert done.returncode == 0, done.stderr
    assert "2 maps of 40 x 60 nodes" in done.stdout
    assert "maps.png shows samples 0, 1" in done.stdout
    assert "warning" not in done.stderr
    maps = np.load(tmp_path / "maps.npy")
    assert maps.dtype == np.float32
    assert np.array_equal(maps, read_predictions(Results(tmp_path / "results").run("mean-map")).maps)
    assert (tmp_path / "maps.png").read_bytes().startswith(b"\x89PNG")

    again = fwibench("predict", "mean-map", "shots.npy", "-o", "maps.npy")
    assert again.returncode == 2
    assert "maps.npy exists" in again.stderr
    assert "--force replaces it" in again.stderr
    forced = fwibench("predict", "mean-map", "shots.npy", "-o", "maps.npy", "--force", "--json")
    found = json.loads(forced.stdout)
    assert (found["unit"], found["shape"], found["nodes_outside"]) == ("m/s", [2, 1, 40, 60], 0)
    assert (found["low"], found["high"]) == (maps.min(), maps.max())


def test_strict_turns_warning_into_error(fwibench: Command, shots: Path, tmp_path: Path) -> None:
    np.save(shots, np.load(shots) * 1000.0)
    strict = fwibench("predict", "mean-map", "shots.npy", "-o", "maps.npy", "--strict")
    assert strict.returncode == 1
    assert "error: the largest amplitude of 2 of 2 samples is far larger" in strict.stderr
    assert not (tmp_path / "maps.npy").exists()
    done = fwibench("predict", "mean-map", "shots.npy", "-o", "maps.npy")
    assert done.returncode == 0, done.stderr
    assert "warning: the largest amplitude of 2 of 2 samples is far larger" in done.stderr
    assert (tmp_path / "maps.npy").exists()


def test_strict_rejects_implausible_maps(fwibench: Command, shots: Path, tmp_path: Path, registry: Registry) -> None:
    model = Results(tmp_path / "results").run("mean-map") / "model" / "arrays.npz"
    with np.load(model) as stored:
        wrong = {name: values * 3 for name, values in stored.items()}
    np.savez(model, **wrong)
    strict = fwibench("predict", "mean-map", "shots.npy", "-o", "maps.npy", "--strict")
    assert strict.returncode == 1
    assert "probably differ from those that the method was trained for" in strict.stderr
    assert not (tmp_path / "maps.npy").exists()
    done = fwibench("predict", "mean-map", "shots.npy", "-o", "maps.npy", "--json")
    assert done.returncode == 0, done.stderr
    (warning,) = json.loads(done.stdout)["warnings"]
    assert f"warning: {warning}" in done.stderr
    assert (tmp_path / "maps.npy").exists()


def test_unwritable_output_is_reported_before_the_prediction(fwibench: Command, shots: Path, tmp_path: Path) -> None:
    for output, reason in (("shots.npy/deeper/maps.npy", "Not a directory"), ("/proc/maps.npy", "No such file")):
        done = fwibench("predict", "mean-map", "shots.npy", "-o", output)
        assert done.returncode == 1, done.stderr
        assert f"error: {Path(output).parent} cannot be written: {reason}" in done.stderr
        assert "predict" not in done.stderr, "the prediction has not started"
        assert "Traceback" not in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["results", "shots.npy"]


def test_absent_results_folder_is_an_error(fwibench: Command, shots: Path) -> None:
    done = fwibench("predict", "mean-map", "shots.npy", "-o", "maps.npy", "--results", "nowhere")
    assert done.returncode == 1
    assert "there is no folder nowhere" in done.stderr


INVALID = {
    "a run": (["zzz", "shots.npy", "-o", "maps.npy"], "there is no run or model named 'zzz'"),
    "a name": (["mean-map", "shots.npy", "-o", "maps.txt"], "expected a name that ends with .npy"),
    "its own input": (["mean-map", "shots.npy", "-o", "shots.npy", "--force"], "which would be lost"),
    "a device": (["mean-map", "shots.npy", "-o", "maps.npy", "--device", "gpu"], "expected auto, cpu, cuda"),
}


@pytest.mark.parametrize(("arguments", "message"), INVALID.values(), ids=INVALID)
def test_invalid_argument_is_an_error_and_keeps_the_input(
    arguments: list[str], message: str, fwibench: Command, shots: Path
) -> None:
    before = shots.read_bytes()
    done = fwibench("predict", *arguments)
    assert done.returncode == 2, done.stderr
    assert message in done.stderr
    assert shots.read_bytes() == before
