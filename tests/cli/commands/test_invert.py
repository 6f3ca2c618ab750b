"""The command `invert`."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import Command
from tests.runs.prediction.test_invert import SHAPE, SURVEY

QUICK = ("--set", "iterations=2", "--set", "bands=6/full", "--set", "v0=1700", "--set", "k=3")


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A survey and a record beside each other."""
    (tmp_path / "survey.toml").write_text(SURVEY)
    shots = np.random.default_rng(0).normal(0, 3, SHAPE).astype(np.float32)
    np.save(tmp_path / "shots.npy", shots)
    return tmp_path


@pytest.mark.slow
def test_model_and_figure_are_written(fwibench: Command, files: Path) -> None:
    command = ("invert", "shots.npy", "--survey", "survey.toml", "-o", "model.npy", *QUICK)
    done = fwibench(*command, "--png", "model.png")
    assert done.returncode == 0, done.stderr
    for words in (
        "1 model of 24 x 30 nodes",
        "data misfit:",
        "illumination: the survey illuminates",
        "time:",
        "within the bounds",
    ):
        assert words in done.stdout
    assert (files / "model.png").read_bytes().startswith(b"\x89PNG")
    model = np.load(files / "model.npy")
    assert (model.shape, model.dtype) == ((1, 1, 24, 30), np.float32)

    again = fwibench(*command)
    assert again.returncode == 2
    assert "model.npy exists" in again.stderr
    assert "--force replaces it" in again.stderr
    forced = fwibench(*command, "--force", "--json", "--time-limit", "1h", "--device", "cpu")
    found = json.loads(forced.stdout)
    assert found["shape"] == [1, 1, 24, 30]
    assert found["options"]["start"] == "gradient"
    assert found["misfit_after"][0] > 0
    assert len(found["illuminated"]) == 1
    np.testing.assert_array_equal(np.load(files / "model.npy"), model, err_msg="two runs differ")


GIVEN = ("shots.npy", "--survey", "survey.toml", "-o")
INVALID = {
    "no survey file": (["shots.npy", "--survey", "none.toml", "-o", "m.npy"], "none.toml"),
    "its own input": ([*GIVEN, "shots.npy", "--force"], "which would be lost"),
    "a suffix": ([*GIVEN, "m.txt"], "expected a name that ends with .npy"),
    "a device": ([*GIVEN, "m.npy", "--device", "gpu"], "expected auto, cpu, cuda"),
    "a setting": ([*GIVEN, "m.npy", "--set", "iterations"], "key=value"),
    "a limit": ([*GIVEN, "m.npy", "--time-limit", "soon"], "expected a number above 0"),
    "a start": ([*GIVEN, "m.npy", "--start", "none.npy"], "none.npy"),
    "a start without training": ([*GIVEN, "m.npy", "--start", "train-mean"], "expected gradient or a file that exists"),
    "a method": ([*GIVEN, "m.npy", "--method", "mean-map"], "cannot invert a record without training"),
}


@pytest.mark.parametrize(("arguments", "message"), INVALID.values(), ids=INVALID)
def test_invalid_argument_is_an_error_and_keeps_the_input(
    arguments: list[str], message: str, fwibench: Command, files: Path
) -> None:
    before = (files / "shots.npy").read_bytes()
    done = fwibench("invert", *arguments)
    assert done.returncode in (1, 2), done.stderr
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert (files / "shots.npy").read_bytes() == before
    assert not (files / "m.npy").exists()
