"""Plugins that a cell does not need do not change its result."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fwibench.datasets.base import Dataset
from fwibench.runs.artefacts.predictions import read_predictions
from tests.conftest import Command
from tests.runs.commands import COMMON

pytestmark = pytest.mark.usefixtures("faulty_plugin")


def record_of(tmp_path: Path, method: str) -> dict[str, Any]:
    (path,) = (tmp_path / "results" / "runs").glob(f"*-{method}-*/record.json")
    return json.loads(path.read_text())


INTRUSIVE = """
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
    return [MethodSpec(name="x-intrusive", summary="s", target="faulty:Constant", kind="baseline")]
"""


@pytest.mark.slow
def test_unrelated_plugin_does_not_change_result(fwibench: Command, tmp_path: Path, salt: Dataset) -> None:
    (tmp_path / "plugins" / "intrusive.py").write_text(INTRUSIVE)
    done = fwibench("run", "--methods", "mean-map,x-constant,x-intrusive", *COMMON)
    assert done.returncode == 0, done.stderr
    test = salt.split("random", "test")
    predicted = read_predictions(next(tmp_path.glob("results/runs/*-mean-map-*")), test.ids).maps
    error = np.abs(predicted - test.properties[:].astype(np.float64)).mean()
    assert record_of(tmp_path, "mean-map")["scores"]["mae"] == pytest.approx(error, rel=1e-12)
    plain, constant = record_of(tmp_path, "mean-map"), record_of(tmp_path, "x-constant")
    assert "intrusive" not in plain["environment"]["plugins"]
    assert "faulty" not in plain["environment"]["plugins"]
    assert plain["environment"]["plugins"]["baselines"].startswith("fwibench ")
    assert "faulty" in constant["environment"]["plugins"]
    assert "intrusive" not in constant["environment"]["plugins"]
    assert not plain["notes"]
    assert not constant["notes"]
    assert fwibench("rescore", "mean-map").returncode == 0
    assert record_of(tmp_path, "mean-map")["scores"] == plain["scores"]
    notes = " ".join(record_of(tmp_path, "x-intrusive")["notes"])
    assert "changed torch's default dtype: torch.float64 instead of torch.float32; it was set back" in notes
    assert "numpy's handling of floating-point errors" in notes
    assert "generator" not in notes, "libraries use random generators when they are imported"
    assert record_of(tmp_path, "x-intrusive")["scores"]["mae"] == constant["scores"]["mae"], (
        "the scoring process does not load the plugin"
    )
